"""A look that stands at one path is left behind; the next one leaves that path out."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.system.files import mountinfo
from reconciler.system.work import door, look
from reconciler.system.work.door import GivenUp, UnansweredError, Visit
from reconciler.system.work.look import Looker, answer, reach
from reconciler.system.work.session import Session


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a call waits for that hangs; it is opened at the end of the test."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_the_functions_of_the_door_do_as_those_of_os(tmp_path: Path) -> None:
    file, link, gone = tmp_path / "file", tmp_path / "link", tmp_path / "gone"
    file.write_text("x")
    link.symlink_to(gone)
    for path in map(str, (tmp_path, file, link, gone, file / "below")):
        assert door.is_folder(path) == os.path.isdir(path)
        assert door.is_file(path) == os.path.isfile(path)
        assert door.is_link(path) == os.path.islink(path)
        assert door.exists(path) == os.path.exists(path)
        assert door.lexists(path) == os.path.lexists(path)
        assert door.may_execute(path) == os.access(path, os.X_OK)
        assert door.realpath(path) == os.path.realpath(path)
    assert door.readlink(str(link)) == str(gone)
    assert not door.is_file("a\0b")


def test_a_path_that_does_not_answer_is_not_touched_nor_what_lies_below(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "farther").mkdir()
    visit = Visit(frozenset({f"{tmp_path}/far"}))
    with door.visiting(visit):
        assert door.is_folder(f"{tmp_path}/farther")
        for path in ("far", "far/below"):
            with pytest.raises(UnansweredError) as error:
                door.exists(f"{tmp_path}/{path}")
            assert error.value.message == f"{tmp_path}/far does not answer"
        assert visit.at == ""
    assert door.is_folder(f"{tmp_path}/far"), "only a look leaves it out"


def test_a_look_that_hangs_is_made_again_without_the_path(
    monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(look, "CHECK", 0.02)
    ended = threading.Event()

    def call() -> str:
        try:
            door.through("/far/file", gate.wait)
            door.through("/near", str)
        except UnansweredError as error:
            return error.message
        except GivenUp:
            ended.set()
            raise
        return "answered"

    looker = Looker()
    assert looker.run(call) == "/far/file does not answer"
    assert looker.may_begin
    gate.set()
    assert ended.wait(60), "who is left behind goes no further"
    looker.close()


def test_a_look_that_works_without_touching_a_path_is_not_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(look, "CHECK", 0.01)
    looker = Looker()
    ticks = iter(range(20))
    pause = threading.Event()

    def call() -> str:
        door.through("/near", str)
        while next(ticks, None) is not None:  # far longer than it may stand at a path
            pause.wait(0.01)
        return "done"

    assert looker.run(call) == "done"
    looker.close()


def test_no_more_threads_are_left_behind_than_are_borne(
    monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    monkeypatch.setattr(look, "CHECK", 0.01)
    looker, number = Looker(), iter(range(100))
    with pytest.raises(UnansweredError):
        looker.run(lambda: door.through(f"/far/{next(number)}", gate.wait))
    assert not looker.may_begin
    assert next(number) == 4


def test_what_a_look_raises_is_raised() -> None:
    looker = Looker()
    with pytest.raises(ZeroDivisionError):
        looker.run(lambda: 1 // 0)
    looker.close()


def test_where_a_network_file_system_hangs_all_of_it_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = [("/", "ext4"), ("/home", "ext4"), ("/mnt/far", "nfs4"), ("/mnt/far/near", "xfs")]
    lines = (f"1 1 0:1 / {point} rw - {kind} x rw" for point, kind in mounts)
    (tmp_path / "mountinfo").write_text("\n".join(lines))
    monkeypatch.setattr(mountinfo, "PATH", str(tmp_path / "mountinfo"))
    assert reach("/mnt/far/app/.env") == "/mnt/far"
    assert reach("/mnt/far") == "/mnt/far"
    assert reach("/mnt/far/near/file") == "/mnt/far/near/file"
    assert reach("/mnt/farther") == "/mnt/farther"
    assert reach("/home/app/.env") == "/home/app/.env"


def test_whatever_a_path_answers_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "file", tmp_path / "fifo", tmp_path / "gone"):
        assert answer(str(path), Session())
