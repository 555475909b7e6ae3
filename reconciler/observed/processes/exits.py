"""How a process ended, whether it was our child or a child of the controller before us.

For a child ``waitid`` tells, and reaps it. For others there are two places: the zombie's own
``stat`` line while its parent has not reaped it, and from then on, since Linux 6.15, its pidfd.
Where neither tells, the exit is unknown, which counts as failure and is shown as such.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Set

from reconciler.model.state.observed import Exit, ProcessId
from reconciler.system import procfs

# From linux/pidfd.h: _IOWR(0xFF, 11, struct pidfd_info), whose first version has 64 bytes: mask,
# cgroup id, eleven ids, exit code. Newer kernels take the old size and answer in kind.
_INFO = struct.Struct("=QQ11Ii")
_PIDFD_GET_INFO = 3 << 30 | _INFO.size << 16 | 0xFF << 8 | 11
_PIDFD_INFO_EXIT = 1 << 3


def collect(pidfd: int, id: ProcessId, proc: str = procfs.PROC) -> Exit | None:
    """How the process ended; None while it has not. A child of ours is reaped by this.

    ``Exit()`` where it cannot be told. The kernel tells the end of a process that another one
    traces to that one first (ptrace(2)): such a child is reaped later (``reap_traced``).
    """
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return _of_stranger(pidfd, id, proc)
    if result is None:
        exit = from_zombie(id, proc)
        if exit is not None:
            _traced.add(id.pid)
        return exit
    if result.si_code == os.CLD_EXITED:
        return Exit(code=result.si_status)
    return Exit(signal=result.si_status)


def from_wait_status(status: int) -> Exit:
    """What wait(2) calls a status: signal in the low seven bits, else the code above them."""
    signum = status & 0x7F
    return Exit(signal=signum) if signum else Exit(code=status >> 8 & 0xFF)


def from_pidfd(pidfd: int) -> Exit | None:
    """What the kernel kept of a process that was reaped; None where it did not (yet)."""
    request = _INFO.pack(_PIDFD_INFO_EXIT, *[0] * 13)
    try:
        mask, *_, status = _INFO.unpack(fcntl.ioctl(pidfd, _PIDFD_GET_INFO, request))
    except OSError as error:
        # No such request before Linux 6.13, no such answer before 6.15.
        if error.errno in (errno.ENOTTY, errno.EINVAL, errno.ESRCH, errno.EBADF):
            return None
        raise
    return from_wait_status(status) if mask & _PIDFD_INFO_EXIT else None


def from_zombie(id: ProcessId, proc: str = procfs.PROC) -> Exit | None:
    """The exit code in a zombie's ``stat``, the last of its fields; None where it is not told."""
    found = procfs.stat(id.pid, proc)
    if found is None or found.start != id.start or not procfs.is_dead(found, proc):
        return None
    fields = procfs.stat_fields(id.pid, proc)
    if len(fields) < 50:
        return None
    status = int(fields[49])
    # To whom it may not be told the kernel says 0, which must never pass for success.
    return from_wait_status(status) if status or _may_look(id.pid, proc) else None


_kept: set[int] = set()
_traced: set[int] = set()
"""Children whose end is known, and which their tracer has not let go of yet."""


def keep(pid: int) -> None:
    """A child of ours that is watched: ``reap_strangers`` is to leave it alone."""
    _kept.add(pid)


def release(pid: int) -> None:
    """It was reaped: its number may be a stranger's from now on."""
    _kept.discard(pid)


def is_kept(pid: int) -> bool:
    """Whether it is such a child: until it is reaped here, its number is no other's."""
    return pid in _kept


def reap_traced() -> None:
    """Reap the children that ended while another process traced them. Until then their numbers are
    no others'."""
    for pid in [*_traced]:
        try:
            reaped = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is not None
        except ChildProcessError:  # as PID 1, where all zombies are reaped
            reaped = True
        if reaped:
            _traced.discard(pid)


def reap_strangers(awaited: Set[int] = frozenset()) -> None:
    """Reap what the kernel left to us as PID 1: zombies whose own parents have died.

    Never one that we started ourselves, whose exit status another caller waits for: those that are
    watched (see above), and those that are ``awaited`` elsewhere (preStop, exec checks).
    """
    own_pid = os.getpid()
    for pid in procfs.children(own_pid):
        found = None if pid in _kept or pid in awaited else procfs.stat(pid)
        if found is None or found.ppid != own_pid or not procfs.is_dead(found):
            continue
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass


def _of_stranger(pidfd: int, id: ProcessId, proc: str) -> Exit:
    # In this order, and the first again: it may be reaped between the two looks.
    return from_pidfd(pidfd) or from_zombie(id, proc) or from_pidfd(pidfd) or Exit()


def _may_look(pid: int, proc: str) -> bool:
    """``io`` may be read by those to whom ``stat`` tells all (PTRACE_MODE_READ_FSCREDS)."""
    try:
        with open(f"{proc}/{pid}/io", "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False
