"""The process that keeps a socket open: started, found again, and ended.

All it has to do is to exist, so it is the smallest program of the host that waits without end:
`sleep infinity` takes 0.13 MiB of its own, Python 3.4 MiB. It knows nothing of recon. What marks it
is its descriptor 2, a file in memory with a name: the kernel shows that name to the same user and
to root, it is on no disk, and it is gone with the process. So there is no file that would have to
be written first, believed, or cleaned up after a boot.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from reconciler.system import procfs

PATIENCE = 1.0
"""Seconds for the end of a process that was killed. It takes less than a millisecond, but a process
in a frozen cgroup, or one that the kernel holds up, ends at any time."""
_WAIT = "import signal; signal.pause()"


def commands() -> list[tuple[str, ...]]:
    """Programs that wait without end, the smallest first. One that does not know how (an old
    busybox) exits at once."""
    path = f"{os.defpath}:{os.environ.get('PATH', '')}"
    sleep = shutil.which("sleep", path=path)
    python = (sys.executable, "-I", "-S", "-c", _WAIT)
    return [*([(sleep, "infinity")] if sleep else ()), python]


def start(store: str, command: tuple[str, ...], fd: int) -> tuple[int, int]:
    """Have a new process keep ``fd`` open: its pid, a child of this process, and its pidfd, which
    is the caller's to close. OSError.

    It has nothing else: no lock, no log, no directory, no variables.
    """
    mark = os.memfd_create(name_of(store), os.MFD_CLOEXEC)
    try:
        process = subprocess.Popen(
            command,
            stdin=fd,
            stdout=subprocess.DEVNULL,
            stderr=mark,
            cwd="/",
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            start_new_session=True,  # Ctrl-C is not for it
        )
    finally:
        os.close(mark)
    process.returncode = 0  # it is reaped by its pidfd, and by no other Popen (see ``spawn``)
    try:
        return process.pid, os.pidfd_open(process.pid)
    except OSError:
        os.kill(process.pid, signal.SIGKILL)  # not reaped, so the number is its own
        os.waitpid(process.pid, 0)
        raise


def kill_all(store: str, but: int = 0) -> list[int]:
    """Kill every holder of a store but the one of this pid: their pidfds, the caller's to close."""
    found: list[int] = []
    try:
        for pidfd in find(store, but):
            found.append(pidfd)
            _kill(pidfd)
    except BaseException:
        for pidfd in found:
            os.close(pidfd)
        raise
    return found


def end(pidfd: int, patience: float = PATIENCE) -> bool:
    """Kill one process, and wait until it has let go of what it had; whether it has."""
    _kill(pidfd)
    return has_ended(pidfd, patience)


def has_ended(pidfd: int, patience: float = 0.0) -> bool:
    """Whether a process has ended, within so many seconds."""
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    return bool(ended.poll(patience * 1000))


def _kill(pidfd: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def find(store: str, but: int = 0) -> Iterator[int]:
    """A pidfd of each holder of a store; the caller's to close. OSError: no more files."""
    for pid in procfs.pids():
        if pid != but and _leads(pid) and is_holder(pid, store):
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if is_holder(pid, store):  # still the same, now that the descriptor holds it
                yield pidfd
            else:
                os.close(pidfd)


def _leads(pid: int) -> bool:
    """Whether a process leads its session, as each holder does: asked of all processes of a host,
    at a tenth of what it takes to read a link of each."""
    try:
        return os.getsid(pid) == pid
    except OSError as error:  # a security module may keep it from us
        return error.errno != errno.ESRCH


def is_holder(pid: int, store: str) -> bool:
    """Whether a process has the mark of a store, and is of recon's own user.

    The kernel answers both by itself: the process' memory, which can keep a reader waiting, is not
    read. Another user may make the same mark, and is not believed.
    """
    marked = procfs.link(pid, "fd/2") == f"/memfd:{name_of(store)} (deleted)"
    return marked and procfs.real_uid(pid) == os.geteuid()


def name_of(store: str) -> str:
    """Of the file that marks the holders of a store."""
    return f"recon-holder-{store}"
