"""A file of secrets that is emptied for a while changes nothing, and is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.environment.filled import Filled
from reconciler.desired.manifest.resolve import rebuild
from reconciler.model.state.desired import Problem, Reason, Source, Workload
from tests.desired.conftest import Folder
from tests.desired.directory.test_store import age

REFERENCES = {
    "envFrom": "  envFrom: [{{file: secret{}}}]\n",
    "secretFile": "  env: {{A: {{secretFile: secret{}}}}}\n",
    "credential": "  env: {{A: {{credential: secret{}}}}}\n",
    "build": "  build: {{command: 'true', inputs: [.], env: {{A: {{secretFile: secret{}}}}}}}\n",
}
KEY = b"k" * 32


def settled(store: ManifestStore) -> None:
    """As the controller looks, until nothing is unstable."""
    deadline = time.monotonic() + 60
    store.scan(believe=False)
    while store.unstable:
        assert time.monotonic() < deadline
        store.refresh(store.unstable)


def hashes(app: Workload) -> tuple[str, ...]:
    return app.hash, *(builder.hash for builder in app.builders)


def rewrite(path: Path, text: str) -> None:
    """In place, as a shell's `>` does it."""
    with path.open("r+") as file:
        file.truncate(0)
        file.write(text)


def empty(path: Path) -> Path:
    path.touch()
    return path


EMPTIED: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, 0),
    "replaced": lambda path: empty(path.with_suffix(".new")).replace(path),
    "only blanks": lambda path: rewrite(path, "\n\n"),
}


@pytest.mark.parametrize("how", EMPTIED)
@pytest.mark.parametrize("kind", REFERENCES)
def test_a_file_that_was_emptied_holds_what_it_would_change(
    folder: Folder, kind: str, how: str
) -> None:
    secret = folder.root / "secret"
    secret.write_text("A=hunter22\n")
    folder.app("web", REFERENCES[kind].format(""))
    folder.app("other")
    store = folder.scanned(key=KEY)
    before = store.apps["web"]
    age(secret)
    store.scan()
    EMPTIED[how](secret)
    settled(store)
    after = store.apps["web"]
    assert after.hash == before.hash and after.secrets == before.secrets
    (problem,) = store.problems
    assert problem.reason is Reason.EMPTIED and after.problem == problem
    assert f"{secret} is empty now and was not before; write it again" in problem.text
    assert "allowEmpty: true beside" in problem.remedy and problem.line == 6
    assert store.apps["other"].problem is None
    # The next controller knows it as well, and rebuilds nothing with it.
    again = folder.store(key=KEY)
    again.filled.learn(store.filled.to_text())
    again.scan()
    assert "web" not in again.apps and Reason.EMPTIED in {p.reason for p in again.problems}
    spec = before.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    source = Source(str(folder.root / "web.yaml"), 1)
    assert isinstance(rebuild("web", spec, source, key=KEY, filled=store.filled), Problem)
    rewrite(secret, "A=hunter23\n")
    settled(store)
    assert not store.problems and hashes(store.apps["web"]) != hashes(before)


@pytest.mark.parametrize("kind", REFERENCES)
def test_it_may_be_empty_where_the_manifest_says_so_or_it_always_was(
    folder: Folder, kind: str
) -> None:
    secret = folder.root / "secret"
    secret.write_text("")
    folder.app("web", REFERENCES[kind].format(""))
    store = folder.scanned(key=KEY)
    assert not store.problems and "web" in store.apps
    rewrite(secret, "A=1\n")
    settled(store)
    os.truncate(secret, 0)
    settled(store)
    assert Reason.EMPTIED in {problem.reason for problem in store.problems}
    folder.app("web", REFERENCES[kind].format(", allowEmpty: true"))
    settled(store)
    assert not store.problems and store.apps["web"].problem is None


def test_what_is_written_piece_by_piece_is_read_when_it_rests(folder: Folder) -> None:
    env = folder.write("env", "A=1\nB=2\n")
    folder.app("web", "  envFrom: [env]\n")
    store = folder.scanned(key=KEY)
    age(env)
    store.scan()
    before = store.apps["web"]
    with env.open("w") as file:
        for piece in ("A=", "3\n", "B=", "4\n"):
            file.write(piece)
            file.flush()
            store.refresh([env])
            store.refresh(store.unstable)
            assert store.apps["web"] == before and store.unstable
    settled(store)
    assert store.apps["web"].secrets == {"A": "3", "B": "4"}


def test_a_file_that_is_replaced_as_a_whole_is_read_at_once(
    folder: Folder, accept: Callable[[ManifestStore, Path], frozenset[str]]
) -> None:
    env = folder.write("env", "A=1\n")
    folder.app("web", "  envFrom: [env]\n")
    store = folder.scanned(key=KEY)
    age(env)
    store.scan()
    assert accept(store, folder.write("env", "A=2\n")) == {"web"}


def test_what_was_written_down_is_read_back_or_forgotten() -> None:
    filled = Filled()
    filled.add("/a")
    assert filled.changed
    again = Filled()
    again.learn(filled.to_text())
    assert "/a" in again and not filled.changed and not again.changed
    for text in ("", "{", "5", "[5]", "null"):
        again.learn(text)
