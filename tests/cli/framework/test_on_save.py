"""When something was saved: by any editor, in any place that a manifest is made of."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.cli.framework import on_save
from reconciler.cli.framework.on_save import Sources
from reconciler.desired.directory.store import ManifestStore

APP = "{apiVersion: recon/v1, kind: App, metadata: {name: NAME}, spec: {command: [sleep, '9']}}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "web.yaml").write_text(APP.replace("NAME", "web"))
    return folder


def of(root: Path) -> Iterator[str]:
    return Sources([ManifestStore(root, anchor=root)]).saves()


@contextmanager
def meanwhile(act: Callable[[int], object]) -> Iterator[None]:
    """Do this again and again, in a thread, until the block has ended."""
    ended = threading.Event()

    def acting() -> None:
        number = 0
        while not ended.wait(0.02):
            act(number)
            number += 1

    thread = threading.Thread(target=acting)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_file_that_is_written_renamed_added_or_removed_is_a_save(root: Path) -> None:
    saves, path = of(root), root / "web.yaml"
    path.write_text(path.read_text() + "# more\n")
    assert next(saves).endswith("web.yaml changed")
    fresh = root / "web.yaml.tmp"
    fresh.write_text(path.read_text() + "# by rename\n")
    fresh.rename(path)
    assert next(saves).endswith("web.yaml changed")
    (root / "below").mkdir()
    (root / "below" / "new.yaml").write_text(APP.replace("NAME", "new"))
    assert next(saves).endswith("below/new.yaml changed")
    path.unlink()
    (root / "below" / "new.yaml").write_text("nonsense")
    assert next(saves).endswith("below/new.yaml and 1 more changed")


def test_a_save_wakes_it_long_before_the_next_look(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-timeout ends it where it looks only after its patience."""
    monkeypatch.setattr(on_save, "_PATIENCE", 1000.0)
    saves = of(root)
    with meanwhile(lambda number: (root / "web.yaml").write_text(f"# {number}\n")):
        assert next(saves).endswith("web.yaml changed")
        assert next(saves).endswith("web.yaml changed")


def test_what_editors_leave_beside_a_file_is_no_save(root: Path) -> None:
    saves = of(root)

    def leave(number: int) -> None:
        for name in (".web.yaml.swp", "web.yaml~", "4913", "notes.txt"):
            (root / name).write_text(str(number))

    found: list[str] = []
    with meanwhile(leave):
        reader = threading.Thread(target=lambda: found.append(next(saves)), daemon=True)
        reader.start()
        reader.join(1.5)  # longer than the patience: it looks, and finds nothing
        assert reader.is_alive()
    (root / "web.yaml").write_text("# saved\n")
    reader.join()
    assert found[0].endswith("web.yaml changed")


def test_an_env_file_counts_as_long_as_a_manifest_names_it(root: Path) -> None:
    path, env = root / "web.yaml", root.parent / "web.env"
    env.write_text("A=1\n")
    path.write_text(APP.replace("NAME", "web").replace("'9']", "'9'], envFrom: [../web.env]"))
    saves = of(root)
    env.write_text("A=2\n")
    assert next(saves).endswith("web.env changed")
    path.write_text(APP.replace("NAME", "web"))
    assert next(saves).endswith("web.yaml changed")
    env.write_text("A=3\n")
    path.write_text("nonsense")
    assert next(saves).endswith("web.yaml changed")


def test_a_directory_that_is_removed_and_made_again_is_followed(root: Path) -> None:
    saves = of(root)
    shutil.rmtree(root)
    assert next(saves).endswith("web.yaml changed")
    root.mkdir()
    (root / "web.yaml").write_text(APP.replace("NAME", "web"))
    assert next(saves).endswith("web.yaml changed")
    (root / "web.yaml").write_text("# again\n")
    assert next(saves).endswith("web.yaml changed")


def test_an_empty_directory_that_is_removed_is_followed(root: Path) -> None:
    saves = of(root)
    (root / "web.yaml").unlink()
    assert next(saves).endswith("web.yaml changed")
    root.rmdir()
    assert next(saves).endswith(f"{root.name} changed")
    root.mkdir()
    assert next(saves).endswith(f"{root.name} changed")


def test_a_directory_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    saves = of(tmp_path / "later")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "web.yaml").write_text(APP.replace("NAME", "web"))
    assert next(saves).endswith("later/web.yaml changed")


def test_without_inotify_the_look_at_the_end_of_its_patience_finds_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles

    def none_left(*_: object, **__: object) -> None:
        raise OSError("inotify limit reached")

    monkeypatch.setattr(watchfiles, "watch", none_left)
    saves = of(root)
    for number in range(3):
        (root / "web.yaml").write_text(f"# {number}\n")
        assert next(saves).endswith("web.yaml changed")
