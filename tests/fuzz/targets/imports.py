"""Files of other managers: a sentence that names the file, or manifests that are valid.

The first byte says which kind of file the rest is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.convert import procfile
from reconciler.convert.errors import ImportFault
from reconciler.convert.host import Host
from reconciler.convert.manifests import report
from reconciler.convert.manifests.draft import Draft
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2 import files as pm2
from reconciler.convert.pm2.running import running
from reconciler.convert.supervisor.files import drafts_of_files
from reconciler.desired.manifest.manifest import Context, read
from reconciler.desired.manifest.surroundings import Surroundings

# No JavaScript engine in PATH: JSON that is none is refused, and not evaluated.
_HOST = Host(4, "::", {"HOME": "/home/crm", "PATH": "/nowhere", "N": "7", "ODD": "a%b\n;'\""})
_KINDS: tuple[tuple[str, Callable[[str], Sequence[Draft]]], ...] = (
    ("Procfile", lambda file: procfile.drafts_of(file, {}, None, None)[0]),
    ("s.conf", lambda file: drafts_of_files([file], _HOST)[0]),
    ("e.yaml", lambda file: pm2.drafts_of([file], _HOST)[0]),
    ("e.json", lambda file: pm2.drafts_of([file], _HOST)[0]),
    ("dump.pm2", lambda file: running([file], _HOST)[0]),
)
SEEDS = (
    b"\0web: node x.js -p $PORT\nworker: A=1 exec b | c\nrelease: d\n",
    b"\1[program:web]\ncommand=sleep %(process_num)d\nnumprocs=2\nprocess_name=%(process_num)d\n"
    b'environment=A="x,y",B=%(ENV_N)s\n[group:g]\nprograms=web\n',
    b"\2apps:\n  - &x {name: api, script: a.js, instances: max}\n  - {<<: *x, name: b}\n",
    b'\3{"apps": [{"name": "api", "script": "a.js", "env": {"A": 1}, "watch": ["x"]}]}',
    b'\4[{"pm2_env": {"name": "api", "pm_exec_path": "/a.js", "pm_cwd": "/", "env": {}}}]',
)
_CONTEXT = Context(Surroundings({}, None, environ_is_own=False, check=False))


def check(data: bytes) -> None:
    """Import one file."""
    if not data:
        return
    name, drafts_of = _KINDS[data[0] % len(_KINDS)]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder, name)
        file.write_bytes(data[1:])
        try:
            found = bundle(drafts_of(str(file)), f"{folder}/manifests")
        except ImportFault as fault:
            assert folder in str(fault), fault
            return
        for path, text in found.manifests.items():
            problems = read(path, text.encode(), _CONTEXT).problems
            assert not problems, problems
        assert [*report.text(found, str, 80)] or not found.drafts
        json.dumps(report.document(found, [], []))
