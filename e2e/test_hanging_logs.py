"""A log folder that does not answer: its app goes on until its FIFO is full, all others go on as
ever, and no line is lost in the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.deadmount import dead
from e2e.harness import Recon
from e2e.programs import python
from tests.waiting import until

NAMED = "does not answer"
PLAIN = {"timestamps": False, "rotate": {"compress": False}}


def counting(notes: Path) -> list[str]:
    """Writes numbered lines without an end; how many it has written stands in a file."""
    return python(
        "import os, time\n"
        "for number in range(10**9):\n"
        "    os.write(1, b'%d\\n' % number)\n"
        f"    os.pwrite(os.open({str(notes)!r}, os.O_WRONLY | os.O_CREAT), b'%d' % number, 0)"
        " if number % 1000 == 0 else time.sleep(0.001)\n"
    )


def begin(recon: Recon, tmp_path: Path) -> tuple[Path, Path]:
    """An app that logs into a folder, which is on a disk still, and another app."""
    folder = tmp_path / "far"
    folder.mkdir()
    logs = {**PLAIN, "stdout": str(folder / "far.log")}
    recon.app("far", counting(tmp_path / "notes"), logs=logs, minReadySeconds=0)
    recon.app("near", ["sleep", "1000"], minReadySeconds=0)
    recon.run()
    recon.healthy("far")
    recon.healthy("near")
    until(lambda: len(numbers(folder)) > 100, what="its log is written")
    return folder, folder / "far.log"


def numbers(folder: Path) -> list[int]:
    files = [*sorted(folder.glob("far.log.*")), *folder.glob("far.log")]
    return [int(line) for file in files for line in file.read_text().split("\n")[:-1]]


@contextmanager
def gone(recon: Recon, folder: Path) -> Iterator[None]:
    """The file system of the log answers no more, from a moment on in which no line is on its way.

    A real one is there before it dies, and is known by then. Here it comes over the folder dead,
    and a line that is written in that very moment would be written into it by the loop.
    """
    (pid,) = recon.pids("far").values()
    os.kill(pid, signal.SIGSTOP)

    def is_quiet() -> bool:
        before = numbers(folder)
        return bool(recon.of("far")) and numbers(folder) == before

    until(is_quiet, what="all that was written is in the log")
    with dead(folder):
        os.kill(pid, signal.SIGCONT)
        yield


def come_back(recon: Recon) -> None:
    """The other app is killed, and started again."""
    (before,) = recon.pids("near").values()
    os.kill(before, signal.SIGKILL)
    until(lambda: [*recon.pids("near").values()] not in ([], [before]), what="it is started again")


def whole(folder: Path) -> None:
    """New lines come, and none is missing or doubled."""
    seen = len(numbers(folder))
    until(lambda: len(numbers(folder)) > seen + 100, what="its log is written again")
    found = numbers(folder)
    assert found == [*range(len(found))]


def test_all_else_goes_on_and_no_line_is_lost(recon: Recon, tmp_path: Path) -> None:
    folder, _ = begin(recon, tmp_path)
    pids = recon.pids("far")
    with gone(recon, folder):
        until(lambda: NAMED in recon.of("far")["message"], what="the status names it")
        assert f"{folder} {NAMED} (nothing lost so far)" in recon.cli("status", "far", code=None)
        come_back(recon)
        recon.app("new", ["sleep", "1000"], minReadySeconds=0)
        recon.healthy("new")
        assert recon.pids("far") == pids
    until(lambda: NAMED not in recon.of("far")["message"], what="all is well")
    whole(folder)
    assert recon.pids("far") == pids


def test_a_controller_that_is_killed_meanwhile_leaves_no_gap(recon: Recon, tmp_path: Path) -> None:
    folder, _ = begin(recon, tmp_path)
    pids = recon.pids("far")
    with gone(recon, folder):
        until(lambda: NAMED in recon.of("far")["message"], what="the status names it")
        for _ in range(2):
            recon.kill_controller(unsaved=True)
            recon.run()
            come_back(recon)
            until(lambda: NAMED in recon.of("far")["message"], what="the next one names it, too")
        assert recon.pids("far") == pids
    whole(folder)


def test_its_end_and_that_of_the_controller_are_not_held_up(recon: Recon, tmp_path: Path) -> None:
    folder, log = begin(recon, tmp_path)
    (pid,) = recon.pids("far").values()
    with gone(recon, folder):
        until(lambda: NAMED in recon.of("far")["message"], what="the status names it")
        os.kill(pid, signal.SIGKILL)
        until(lambda: [*recon.pids("far").values()] not in ([], [pid]), what="it is started again")
        assert recon.controller is not None
        recon.controller.terminate()
        assert recon.controller.wait(timeout=20) == 0
        recon.run()
        come_back(recon)
        recon.cli("down", seconds=60)
    recon.app("far", ["sleep", "1000"], logs={**PLAIN, "stdout": str(log)}, minReadySeconds=0)
    recon.run()
    recon.healthy("far")

    def both() -> bool:
        """Each line is the next of one of the two that wrote."""
        first = second = 0
        for number in map(int, log.read_text().split("\n")[:-1]):
            if number == first:
                first += 1
            else:
                assert number == second
                second += 1
        return first > 0 and second > 0

    until(both, what="both are written")
