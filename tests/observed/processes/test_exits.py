"""How a process ended is told truly or called unknown, and never taken from who waits for it."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model.state.observed import Exit, ProcessId
from reconciler.observed.processes import exits
from reconciler.system import procfs
from tests.observed.conftest import Zoo, gone, identity
from tests.waiting import until

WAIT = "import sys; open('go-{0}').read(); sys.exit({0})"


def _held(id: ProcessId) -> int:
    return os.pidfd_open(id.pid)


def _collect(pidfd: int, id: ProcessId, proc: str = "/proc") -> Exit:
    found: list[Exit | None] = [None]

    def ended() -> bool:
        found[0] = exits.collect(pidfd, id, proc)
        return found[0] is not None

    until(ended, what="the exit")
    os.close(pidfd)
    assert found[0] is not None
    return found[0]


def test_a_child_tells_its_code_or_signal_and_is_reaped(zoo: Zoo) -> None:
    seven = zoo.start(None, "raise SystemExit(7)")
    assert _collect(_held(seven), seven) == Exit(code=7)
    assert procfs.stat(seven.pid) is None
    killed = zoo.start(None)
    pidfd = _held(killed)
    assert exits.collect(pidfd, killed) is None
    zoo.kill(killed)
    assert _collect(pidfd, killed) == Exit(signal=signal.SIGKILL)


TRACE = (
    "import ctypes, sys, time\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "libc.ptrace(0x4206, int(sys.argv[1]), 0, 0)\n"  # PTRACE_SEIZE
    "time.sleep(1000)\n"
)


def test_the_end_of_a_child_does_not_wait_for_the_process_that_traces_it(zoo: Zoo) -> None:
    child = zoo.start(None)
    tracer = subprocess.Popen([sys.executable, "-c", TRACE, str(child.pid)])
    try:
        traced = f"TracerPid:\t{tracer.pid}\n"
        until(lambda: traced in Path(f"/proc/{child.pid}/status").read_text(), what="the tracer")
        pidfd = _held(child)
        os.kill(child.pid, signal.SIGKILL)  # not reaped, so the number is its own
        assert _collect(pidfd, child) == Exit(signal=signal.SIGKILL)
        exits.reap_traced()
        assert procfs.stat(child.pid) is not None, "the tracer holds it"
    finally:
        tracer.kill()
        tracer.wait()

    def reaped() -> bool:
        exits.reap_traced()
        return procfs.stat(child.pid) is None

    until(reaped, what="its number to be free")


@pytest.mark.parametrize(("code", "expected"), [(0, Exit(code=0)), (3, Exit(code=3))])
def test_one_that_is_not_our_child_tells_too(zoo: Zoo, code: int, expected: Exit) -> None:
    fifo = zoo.root / f"go-{code}"
    os.mkfifo(fifo)
    id = zoo.start_stranger(zoo.tag(), WAIT.format(code))
    pidfd = _held(id)
    fifo.write_text("go")
    until(lambda: gone(id), what="the process to end")
    assert _collect(pidfd, id) == expected


def test_a_zombie_of_another_parent_tells_before_it_is_reaped(zoo: Zoo) -> None:
    id = zoo.start(None, "raise SystemExit(5)")
    os.waitid(os.P_PID, id.pid, os.WEXITED | os.WNOWAIT)
    assert exits.from_zombie(id) == Exit(code=5)
    assert exits.from_zombie(ProcessId(id.pid, id.start + 1)) is None


def test_where_nothing_tells_the_exit_is_unknown_and_no_success(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> bytes:
        raise OSError(errno.ENOTTY, "as Linux 6.12 says")

    id = zoo.start_stranger(zoo.tag())
    pidfd = _held(id)
    monkeypatch.setattr(fcntl, "ioctl", refused)
    zoo.kill(id)
    until(lambda: gone(id))
    empty = tmp_path / "proc"
    empty.mkdir()
    exit = _collect(pidfd, id, str(empty))
    assert exit == Exit() and not exit.success


def test_a_zero_that_may_be_a_refusal_is_not_success(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    line = b"7 (x) Z 1 7 7 " + b"0 " * 15 + b"42 " + b"0 " * 29 + b"%d\n"
    (tmp_path / "7/stat").write_bytes(line % 0)
    assert exits.from_zombie(ProcessId(7, 42), str(tmp_path)) is None
    (tmp_path / "7/stat").write_bytes(line % (9 << 8))
    assert exits.from_zombie(ProcessId(7, 42), str(tmp_path)) == Exit(code=9)
    (tmp_path / "7/stat").write_bytes(line % 0)
    (tmp_path / "7/io").write_bytes(b"rchar: 1\n")
    assert exits.from_zombie(ProcessId(7, 42), str(tmp_path)) == Exit(code=0)


REAPER = """
import ctypes, os, subprocess, sys, time
from reconciler.observed.processes import exits
from reconciler.system import procfs
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: as PID 1 is for all
null = subprocess.DEVNULL
leave = "import subprocess,sys; print(subprocess.Popen(['sleep','0.01']).pid)"
app = subprocess.Popen(
    [sys.executable, "-c", leave], stdout=subprocess.PIPE, start_new_session=True)
exits.keep(app.pid)
hook = subprocess.Popen(["true"], start_new_session=True)
left = int(app.stdout.read())
def dead(pid):
    found = procfs.stat(pid)
    return found is None or procfs.is_dead(found)
deadline = time.monotonic() + 60
while not (dead(left) and dead(hook.pid) and dead(app.pid)):
    assert time.monotonic() < deadline
    time.sleep(0.005)
assert procfs.stat(left) is not None, "somebody else reaped it"
exits.reap_strangers({hook.pid})
assert procfs.stat(left) is None, "the stranger stayed"
assert os.waitpid(app.pid, 0)[0] == app.pid
assert os.waitpid(hook.pid, 0)[0] == hook.pid
app.returncode = hook.returncode = 0
"""


def test_as_pid_1_strangers_are_reaped_and_the_exits_of_ours_left_to_who_waits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REAPER],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_identity_of_a_live_process_is_stable(zoo: Zoo) -> None:
    id = zoo.start(None)
    assert identity(id.pid) == id
