"""A directory that forks help to read declares what it declares to one process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.desired.directory import store as module
from reconciler.desired.directory.store import ManifestStore
from reconciler.system.work.spread import spread
from tests.desired.conftest import Folder, job_manifest, manifest

_FIELDS = st.sampled_from(
    [
        "",
        "  instances: 3\n",
        "  env: {PORT: 3000, B: 1.10, C: {perInstance: 1}}\n",
        "  envFrom: [{file: some.env}]\n",
        "  envFrom: [{file: absent.env}]\n",
        "  env: {A: {secretFile: secret}}\n",
        "  cwd: nowhere\n",
        "  user: nobody-at-all\n",
        "  sockets: [{port: 3000}]\n",
        "  logs: {stdout: out.log}\n",
        "  profiles: {eu: {instances: 2}, us: {instances: no}}\n",
        "  dependsOn: [{app: app-1}]\n",
        "  strategy: {maxSurge: lots}\n",
        "  schedule: '@daily'\n",
        "  unknown: &a [1]\n",
        "  env: {A: 1, A: 2}\n",
        '  env: {A: "\\0"}\n',
        "---\n",
        "  : [\n",
    ]
)
_FILES = st.lists(st.tuples(st.integers(0, 60), st.booleans(), _FIELDS), min_size=33, max_size=50)


def by_forks(items: Sequence[Any], here: Any, there: Any) -> Any:
    return spread(items, here, there, helpers=2)


def found(store: ManifestStore) -> list[Any]:
    """All that others can see of a directory, in its order."""
    desired = store.scan()
    again = store.scan()
    problems = [*map(repr, desired.problems)]
    around = (store.dependencies, store.sources, store.apart, store.filled.to_text())
    return [
        *([*desired.apps.items()], problems, desired.settings, desired.complete, desired.held),
        *(around, [*again.apps.items()] == [*desired.apps.items()], again.problems),
    ]


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_FILES, st.sampled_from(["", "{}", "{defaults: {instances: 2}}", "{profile: eu}", "[1]"]))
def test_the_same_apps_and_the_same_mistakes_at_the_same_places(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    files: list[tuple[int, bool, str]],
    spec: str,
) -> None:
    folder = Folder(tmp_path_factory.mktemp("read") / "manifests")
    for place in range(3):
        folder.write(f"{place}/some.env", "A=1\n")
        folder.write(f"{place}/secret", "hidden\n")
    if spec:
        text = f"apiVersion: recon/v1\nkind: Settings\nspec: {spec}\n"
        folder.write("recon.yaml", text)
    for number, (name, is_job, fields) in enumerate(files):
        make = job_manifest if is_job else manifest
        folder.write(f"{number % 3}/{number}.yaml", make(f"app-{name}", fields))
    monkeypatch.setattr(module, "FEWEST", 1)
    monkeypatch.setattr(module, "spread", by_forks)
    helped = found(folder.store(is_helped=True))
    assert helped == found(folder.store())


def test_helpers_read_what_is_well_and_leave_the_rest(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_helpers(items: Sequence[Any], here: Any, there: Any) -> Any:
        return [here(item) if (read := there(item)) is None else note(read) for item in items]

    def note(read: Any) -> Any:
        by_helper.extend(read.apps)
        return read

    by_helper: list[str] = []
    monkeypatch.setattr(module, "FEWEST", 1)
    monkeypatch.setattr(module, "spread", by_helpers)
    folder.app("well")
    folder.app("wrong", "  instances: many\n")
    folder.app("filled", "  envFrom: [{file: some.env}]\n")
    folder.write("some.env", "A=1\n")
    store = folder.scanned(is_helped=True)
    assert (by_helper, sorted(store.apps)) == (["well"], ["filled", "well"])
    assert os.path.join(folder.root, "some.env") in store.filled
