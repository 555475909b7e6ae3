"""A look at what an app watches answers only what may be new to the controller."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.desired.watched import trees
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.treetask import (
    OWN,
    Found,
    Question,
    Refused,
    Watching,
    discover,
    look,
)
from reconciler.system.work.session import Session


class Controller:
    """Asks as ``loop.watching.contents`` does: it follows every look, and knows the folders of the
    last."""

    def __init__(self, cwd: Path, *ignore: str) -> None:
        self.watching = Watching(("dist",), ignore, str(cwd))
        self.session = Session()
        self.session.shared[OWN] = OwnFiles()
        self.number = self.followed = self.folders_of = 0

    def look(self, *, follow: bool = True) -> Found:
        self.number += 1
        question = Question(self.watching, self.number, self.followed, self.folders_of)
        found = look(question, self.session)
        assert isinstance(found, Found)
        if found.folders is not None:
            self.folders_of = self.number
        if follow:
            self.followed = self.number
        return found


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "sub").mkdir(parents=True)
    (folder / "main.js").write_text("one")
    return folder


def test_folders_are_told_once_and_again_when_there_are_others(dist: Path) -> None:
    controller = Controller(dist.parent)
    first = controller.look()
    assert first.folders is not None
    assert {str(dist), str(dist / "sub")} <= first.folders
    assert controller.look().folders is None
    (dist / "new").mkdir()
    again = controller.look()
    assert again.folders is not None and str(dist / "new") in again.folders


def test_what_changed_is_told_against_the_content_that_was_followed(dist: Path) -> None:
    controller = Controller(dist.parent)
    first = controller.look()
    assert (first.changed, first.changes) == ((), 0)
    (dist / "main.js").write_text("two")
    second = controller.look(follow=False)
    assert second.digests != first.digests
    assert [Path(name).name for name in second.changed] == ["main.js"]
    (dist / "sub/more.js").write_text("more")
    third = controller.look()
    assert third.changes == 2, "both, since the one before was not followed"
    assert (controller.look().changes, controller.look().changed) == (0, ())


def test_no_more_than_two_files_are_named_and_all_are_counted(dist: Path) -> None:
    controller = Controller(dist.parent)
    controller.look()
    for number in range(5):
        (dist / f"{number}.js").write_text("new")
    found = controller.look()
    assert (len(found.changed), found.changes) == (2, 5)


def test_a_worker_that_knows_nothing_of_what_was_followed_names_no_file(dist: Path) -> None:
    controller = Controller(dist.parent)
    first = controller.look()
    controller.session.memo.clear()  # it was killed, and another one started
    (dist / "main.js").write_text("two")
    found = controller.look()
    assert found.digests != first.digests
    assert (found.changed, found.changes) == ((), 0)
    assert found.folders is not None


def test_what_is_left_out_and_what_recon_writes_can_change_between_looks(dist: Path) -> None:
    controller = Controller(dist.parent)
    (dist / "out.txt").write_text("line")
    first = controller.look()
    controller.session.shared[OWN] = OwnFiles(logs=[f"{dist}/out.txt"])
    second = controller.look()
    assert second.digests != first.digests
    controller.watching = controller.watching._replace(ignore=("*.js",))
    assert controller.look().digests != second.digests
    (dist / "main.js").write_text("two")
    (dist / "out.txt").write_text("more")
    assert controller.look().changes == 0


def test_what_is_too_large_is_a_sentence(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST", 1)
    (dist / "other.js").write_text("two")
    controller = Controller(dist.parent)
    refused = look(Question(controller.watching, 1, 0, 0), controller.session)
    assert isinstance(refused, Refused) and "dist" in refused.message
    assert discover((controller.watching, (str(dist),)), controller.session) == set()


def test_folders_that_have_come_to_be_are_found_below_a_path(dist: Path) -> None:
    controller = Controller(dist.parent)
    controller.look()
    (dist / "a/b").mkdir(parents=True)
    found = discover((controller.watching, (str(dist / "a"),)), controller.session)
    assert {str(dist / "a"), str(dist / "a/b")} <= found
