"""Whatever the files of other managers hold, as a whole: a sentence that names one of them, or
manifests that are valid, and a report. Never a traceback."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.convert import procfile
from reconciler.convert.errors import ImportFault
from reconciler.convert.host import Host
from reconciler.convert.manifests import report
from reconciler.convert.manifests.draft import Draft
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.pm2 import files as pm2
from reconciler.convert.pm2.running import running
from reconciler.convert.supervisor.files import drafts_of_files
from reconciler.convert.supervisor.options import OPTIONS
from tests.convert.conftest import problems

# No JavaScript engine in PATH: JSON that is none is told, and not evaluated.
HOST = Host(4, "::", {"HOME": "/home/crm", "PATH": "/nowhere", "N": "7", "ODD": "a%b\n;'\""})
_MANY = settings(max_examples=400, deadline=None)
_ODD = st.text("\0\t\n\r \"#$%'(),-./0:;<=>@[\\]^`{|}~aÅ€\ud800\ufeff\U0001f600", max_size=6)


def _cut(text: str, at: int, piece: str, rest: int) -> str:
    return text[:at] + piece + text[at + rest :]


def scratched(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Most of the time as they are, else with something put in, taken out, or cut off."""
    small = st.integers(0, 200)
    whole = st.builds(_cut, texts, small, _ODD, st.sampled_from([0, 1, 5, 10**6]))
    return (texts | texts | texts | whole).map(lambda text: text.encode("utf-8", "surrogatepass"))


def imported(
    made: Callable[[str], Sequence[Draft]], verb: str, contents: dict[str, bytes], first: str
) -> None:
    """Import ``first`` of these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(content)
        try:
            found = bundle(made(f"{folder}/{first}"), f"{folder}/manifests")
        except ImportFault as fault:
            assert folder in str(fault)
            event("refused")
            return
        assert not problems(found)
        assert all(map(str.strip, found.manifests.values()))
        assert [*report.text(found, str, 80)] or not found.drafts
        json.dumps(report.document(found, [], []))
        event(f"{min(len(found.drafts), 3)} apps")


# -- Procfile -----------------------------------------------------------------------------------

_NAMES = st.sampled_from(["web", "worker", "release", "a_b", "A-1", "-", "_", "1"])
_COMMANDS = st.lists(
    st.sampled_from(
        ["node x.js", "$PORT", "-p ${PORT:-5000}", "&&", "|", "> log", "cd a;", "A=1", "'a b'", '"',
         "'", "\\", "exec", "{{", "%s", "&", "(", "`x`", "$(x)", "#", "\u2028", "é"]
    ),
    min_size=1, max_size=4,
).map(" ".join)  # fmt: skip
_PROCFILE = scratched(
    st.dictionaries(_NAMES, _COMMANDS, max_size=4).map(
        lambda found: "# a\n" + "\n".join(f"{name}: {line}" for name, line in found.items())
    )
)
_DOTENV = scratched(
    st.lists(
        st.sampled_from(["PORT=3000", "PORT=x", "PORT=99999", "A", "A=${B}", "export B=1", "C='"]),
        max_size=3,
    ).map("\n".join)
)


@_MANY
@given(_PROCFILE, st.none() | _DOTENV, st.sampled_from([None, 1, 65535]), st.integers(0, 70_000))
def test_procfiles(text: bytes, env: bytes | None, port: int | None, count: int) -> None:
    contents = {"Procfile": text, **({".env": env} if env is not None else {})}
    counts = {"web": count} if b"\nweb:" in text else {}
    drafts = lambda file: procfile.drafts_of(file, counts, port, None)[0]  # noqa: E731
    imported(drafts, "procfile", contents, "Procfile")


# -- supervisord --------------------------------------------------------------------------------

_VALUES = st.lists(
    st.sampled_from(
        ["%(process_num)d", "%(process_num)02d", "%(ENV_HOME)s", "%(ENV_N)d", "%(ENV_ODD)s",
         "%(here)s", "%(ENV_GONE)s", "%(program_name)s", "%(group_name)s", "%(numprocs)d",
         "%(x", "%", "%%", "%(process_num)999d", "true", "no", "unexpected", "0", "3",
         "-1", "10MB", "TERM", "KILL",
         "AUTO", "NONE", "syslog", "/dev/stdout", "/tmp/x.log", "A=1", 'A="x,y",B=%(process_num)d',
         "sleep 5", "sh -c 'x'", "'", ",", ";", "022", "root", "*.ini", "part.ini", "s.conf", "\0"]
    ) | _ODD,
    max_size=3,
).map("".join)  # fmt: skip
_SECTIONS = st.sampled_from(
    ["program:web", "program:job", "program:", "program", "group:crm", "group:", "include",
     "supervisord", "eventlistener:e", "fcgi-program:f", "unix_http_server", "inet_http_server:x",
     "rpcinterface:s", "supervisorctl", "odd", "program:a:b", "program: web "]
)  # fmt: skip
_OPTIONS = st.sampled_from([*sorted(OPTIONS), "command", "programs", "files", "socket", "odd"])
_SECTION = st.builds(
    lambda name, options: "\n".join([f"[{name}]", *(f"{k}={v}" for k, v in options)]),
    _SECTIONS,
    st.lists(st.tuples(_OPTIONS, _VALUES), max_size=6),
)
_SOUND = st.sampled_from(
    ["[program:web]\ncommand=sleep 5\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)d",
     "[program:job]\ncommand=node %(process_num)d.js\nnumprocs=2\nprocess_name=%(process_num)d",
     "[program:env]\ncommand=a\nnumprocs=2\nprocess_name=%(process_num)d\n"
     "environment=PORT=80%(process_num)02d",
     "[group:crm]\nprograms=web,job,gone", "[include]\nfiles=*.ini", "[supervisord]\numask=077"]
)  # fmt: skip
_INI = scratched(st.lists(_SOUND | _SOUND | _SOUND | _SECTION, max_size=4).map("\n".join))


@_MANY
@given(_INI, _INI)
def test_files_of_supervisord_and_what_they_include(text: bytes, part: bytes) -> None:
    contents = {"s.conf": text, "part.ini": part}
    imported(lambda file: drafts_of_files([file], HOST)[0], "supervisor", contents, "s.conf")


# -- PM2 ----------------------------------------------------------------------------------------

_PROCESS: dict[str, Any] = {
    "name": "api", "pid": 7, "pm_id": 0, "monit": {"memory": 1, "cpu": 0},
    "pm2_env": {
        "namespace": "default", "status": "online", "exec_mode": "cluster_mode",
        "pm_exec_path": "/srv/crm/dist/main.js", "pm_cwd": "/srv/crm", "args": ["--x"],
        "node_args": [], "exec_interpreter": "node", "instances": 2, "increment_var": "PORT",
        "pm_out_log_path": "/root/.pm2/logs/api-out.log", "out_file": "/var/log/api.log",
        "pm_pid_path": "/root/.pm2/pids/api-0.pid", "kill_timeout": 3000, "watch": False,
        "max_memory_restart": 314572800, "env": {"PORT": "3000", "HOME": "/root", "api": "{}"},
        "env_production": {"PORT": 4000}, "autorestart": True, "versioning": None,
    },
}  # fmt: skip
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ODD | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_ODD, inner, max_size=2),
    max_leaves=4,
)


def _process(name: Any, changes: dict[str, Any], flat: bool) -> dict[str, Any]:
    """One process with some of its values replaced, as `jlist` has it or as a dump has it."""
    inner = {**_PROCESS["pm2_env"], "name": name, **changes}
    return inner if flat else {**_PROCESS, "pm2_env": inner}


_PROCESSES = st.lists(
    st.builds(
        _process,
        st.sampled_from(["api", "api", "web", "a b", "", 7, None]),
        st.dictionaries(st.sampled_from(sorted(_PROCESS["pm2_env"])), _JUNK, max_size=4),
        st.booleans(),
    )
    | st.just({"pm2_env": "odd"}),
    max_size=4,
)


@_MANY
@given(scratched(st.builds(
    lambda before, found: before + json.dumps(found),
    st.sampled_from(["", "[PM2] Spawning\n", "\ufeff"]), _PROCESSES)))  # fmt: skip
def test_what_pm2_remembers(text: bytes) -> None:
    imported(lambda file: running([file], HOST)[0], "pm2", {"dump.pm2": text}, "dump.pm2")


_CONFIG = st.lists(
    st.sampled_from(
        ["script: a.js", "args: [1, {}]", "env: &x {A: 1, B: '2'}", "env_production: *x",
         "watch: yes", "instances: max", "exec_mode: cluster", "<<: {cwd: /srv}",
         "cron_restart: '* * * * *'",
         "autorestart: false", "env: {PORT: 3000, T: 2020-01-01, N: ~, L: [1]}",
         "watch: [a, '*.x']",
         "stop_exit_codes: [0, x]", "name: é", "deploy: 1",
         "!!js/function x: 1", "? [a]: b"]
    ),
    max_size=6, unique=True,
).map(lambda lines: "\n    ".join(["apps:\n  - name: api\n    script: b.js", *lines]))  # fmt: skip


@_MANY
@given(scratched(_CONFIG), st.sampled_from(["e.yaml", "e.yml"]))
def test_configs_of_pm2_in_yaml(text: bytes, name: str) -> None:
    imported(lambda file: pm2.drafts_of([file], HOST)[0], "pm2", {name: text}, name)


_JSON = st.lists(
    st.builds(
        lambda name, more: {"name": name, "script": "a.js", **more},
        st.sampled_from(["api", "web", "a b", 7]),
        st.dictionaries(st.sampled_from(sorted(_PROCESS["pm2_env"])), _JUNK, max_size=3),
    ),
    max_size=3,
).map(lambda apps: json.dumps({"apps": apps}))


@_MANY
@given(_JSON)
def test_configs_of_pm2_in_json(text: str) -> None:
    """JSON that is none is JavaScript: see `test_evaluate`."""
    written = {"e.json": text.encode()}
    imported(lambda file: pm2.drafts_of([file], HOST)[0], "pm2", written, "e.json")
