"""A file of manifests: apps, or problems with places; and the store says what `validate` says."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.manifest.manifest import Context, read
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.model.state.revision import document_of, template_of

_HEAD = b"apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\nspec:\n"
SEEDS = (
    _HEAD + b"  command: [a, b]\n  instances: max-1\n  env: {A: '1', P: {perInstance: 3000}}\n",
    _HEAD + b"  command: a b\n  readinessProbe: {httpGet: {path: /x, port: 1}}\n",
    _HEAD + b"  command: a\n  limits: {memory: 300M, cpu: 500m}\n  profiles: {x: {instances: 2}}\n",
    _HEAD.replace(b"App", b"Job") + b'  command: [a]\n  schedule: "*/5 * * * *"\n',
    b'apiVersion: recon/v1\nkind: Settings\nspec: {maxPrune: 3, defaults: {env: {A: "1"}}}\n',
    _HEAD + b"  command: a\n  strategy: {maxSurge: 25%, canary: {}}\n",
    _HEAD + b"  command: a\n  sockets: [{name: a, port: 1}]\n",
    _HEAD + b"  command: a\n  logs: {rotate: {size: 1Mi, at: '00:00'}, format: json}\n",
)
_AROUND = Surroundings({}, None, environ_is_own=False, check=False)


def check(data: bytes) -> None:
    """Read it by itself, and by the store in a directory."""
    contents = read("web.yaml", data, Context(_AROUND))
    for problem in contents.problems:
        assert problem.line >= 0 and problem.column >= 0 and problem.message.strip()
        assert not problem.message.startswith("recon cannot read this"), problem
    assert contents.documents or not contents.apps
    for app in contents.apps:
        document_of(app.spec)
        assert template_of(app.spec)
    again = read("web.yaml", data, Context(_AROUND))
    assert [p.message for p in again.problems] == [p.message for p in contents.problems]
    assert [app.hash for app in again.apps] == [app.hash for app in contents.apps]
    _compare_with_store(data, bool(contents.problems), {app.name for app in contents.apps})


def _compare_with_store(data: bytes, is_bad: bool, names: set[str]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        Path(folder, "web.yaml").write_bytes(data)
        store = ManifestStore(Path(folder))
        store.scan()
        desired = store.snapshot()
        if is_bad:
            assert desired.problems, "the store has no problem with it"
        elif not desired.problems:
            assert set(desired.apps) == names, (set(desired.apps), names)
