"""A start that hangs holds up nobody, and never becomes a second copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon, alive, read
from e2e.programs import python
from reconciler.model.host.procstat import STUB
from tests.waiting import until

_KILLS = 5


class Leased:
    """A program on which a process of ours holds a lease: for 45 s an exec of it waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copy("/bin/sleep", path)
        self._file = path.open("rb")
        fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def release(self) -> None:
        self._file.close()


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Leased]:
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the kernel's word to the holder
    made = Leased(tmp_path / "leased")
    yield made
    made.release()
    signal.signal(signal.SIGIO, before)


def stubs() -> list[int]:
    """Those of any recon here, and their fork servers, which have no output of ours."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in found if read(Path(f"/proc/{pid}/comm")).encode().strip() == STUB]


def of_app(app: str) -> list[int]:
    """The stubs of an app: its FIFO names it."""
    return [pid for pid in stubs() if f".{app}." in _output(pid) or f"/{app}." in _output(pid)]


def _output(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/1")
    except OSError:
        return ""


class Victim:
    """An app that says when it began."""

    def __init__(self, recon: Recon, diary: Path) -> None:
        self._diary = diary
        told = f"open({str(diary)!r}, 'a').write(f'{{os.getpid()}} {{time.monotonic_ns()}}\\n')"
        recon.app(
            "victim",
            python(f"import os, time\n{told}\ntime.sleep(100000)"),
            backoff={"initialSeconds": 0},
        )

    def lines(self) -> list[str]:
        return read(self._diary).splitlines()

    def back_after(self) -> float:
        """Seconds from a kill -9 to its successor's first words, the best of a few."""
        return min(self._kill() for _ in range(_KILLS))

    def _kill(self) -> float:
        count = len(until(self.lines, what="it began"))
        pid = int(self.lines()[-1].split()[0])
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(self.lines()) > count and self.lines()[-1].count(" "))
        return int(self.lines()[-1].split()[1]) / 1e9 - began


def test_while_a_start_hangs_another_app_comes_back_as_fast_as_ever(
    recon: Recon, leased: Leased, tmp_path: Path
) -> None:
    victim = Victim(recon, tmp_path / "diary")
    recon.run()
    before = victim.back_after()
    recon.app("hangs", [str(leased.path), "100000"])
    until(
        lambda: "has not started yet" in str(recon.of("hangs")),
        what="its status says what it waits for",
    )
    assert victim.back_after() < before * 10, "an exec waits for 45 s"
    (stub,) = of_app("hangs")
    leased.release()
    recon.healthy("hangs", ready=1, restarts=0)
    assert set(recon.pids("hangs").values()) == {stub}, "the stub has become the program"


def test_a_start_that_hangs_is_ended_by_the_next_controller(recon: Recon, leased: Leased) -> None:
    recon.app("waits", [str(leased.path), "100000"], backoff={"initialSeconds": 0})
    recon.run()
    (stub,) = until(lambda: of_app("waits"), what="a stub")
    recon.kill_controller()
    assert alive(stub)
    recon.run()
    until(lambda: not alive(stub), what="the abandoned start is ended")
    leased.release()
    recon.healthy("waits", ready=1)
    assert len(recon.pids("waits")) == 1 and not of_app("waits")


def test_a_program_replaced_by_a_fifo_holds_up_nobody(recon: Recon, tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy("/bin/sleep", program)
    victim = Victim(recon, tmp_path / "diary")
    recon.app("web", [str(program), "100000"], backoff={"initialSeconds": 0})
    recon.run()
    recon.healthy("web", ready=1)
    pid = recon.pids("web")["web-0"]
    program.unlink()
    os.mkfifo(program, 0o755)
    os.kill(pid, signal.SIGKILL)
    until(lambda: f"{program} is a FIFO" in str(recon.of("web")), what="a sentence")
    victim.back_after()
    recon.kill_controller()
    recon.run()
    assert victim.back_after() < 60
    program.unlink()
    shutil.copy("/bin/sleep", program)
    recon.healthy("web", ready=1)
