"""File descriptors and their limit: the controller holds thousands, a program none but 0, 1, 2.

Guarantees, once ``prepare()`` ran at the controller's start:

- Nothing the controller was started with (an open file of the shell, say) reaches a program:
  all inherited descriptors are close-on-exec, as Python's own are from birth.
- The controller may open as many files as the hard limit allows (it holds a pidfd and two FIFOs
  for each instance), yet programs start with the soft limit that recon was started with. A
  raised one breaks those that use select(2) or that close all possible descriptors.
- A spawn costs the same however many files the controller has open.
- A program may be handed descriptors, which it finds from number 3 on (``run``).

How: fork copies the whole table of descriptors, and exec closes the copies one by one; with 3,000
open that is more than all the rest of a spawn (measured: 1.2 ms against 0.55). On Linux the table
belongs to the thread, though. So one thread has a table of its own with next to nothing in it,
and programs are started from there (``run``). Low numbers are free in it, so the soft limit can
be lowered for the time of the fork. What a program is to inherit is sent over a pair of sockets,
as to another process (SCM_RIGHTS).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import resource
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_CAP = 1 << 20
"""No more than this many, where the hard limit is beyond reason."""
_CLOSE_RANGE = 436  # the system call's number, the same on all architectures; Linux ≥ 5.9
_UNSHARE = 1 << 1  # CLOSE_RANGE_UNSHARE: copy the table first, less what is to be closed
_LAST = 2**32 - 1
FIRST = 3
"""The number of the first descriptor that is handed over (systemd: SD_LISTEN_FDS_START)."""
MOST = 60
"""So many can be handed over."""
_ABOVE = FIRST + MOST
"""Where the thread keeps its own, out of the way of what is handed over."""


@dataclass(slots=True)
class _Spawner:
    """The thread with the small table. One for the process, as the limit is the process's."""

    calls: SimpleQueue[Callable[[], Any]]
    results: SimpleQueue[tuple[Any, BaseException | None]]
    child_soft: int
    """The soft limit that programs get."""
    near: socket.socket
    """By which descriptors are sent to the thread."""


_spawner: _Spawner | None = None
_far: socket.socket | None = None


def prepare(keep: int = -1) -> None:
    """Call once, first thing in the controller: see the module's promises.

    ``keep`` is a descriptor that children shall hold until their exec: the controller's lock.
    Where a sandbox forbids a table of its own, spawns go the common way, and the limit of open
    files stays what it is.
    """
    global _spawner  # noqa: PLW0603  one for the process, as the limit is the process's
    _close_inherited_on_exec()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    near, far = socket.socketpair()
    spawner = _Spawner(SimpleQueue(), SimpleQueue(), soft, near)
    arguments = (spawner, far.fileno(), keep)
    threading.Thread(target=_serve, args=arguments, name="spawner", daemon=True).start()
    _, error = spawner.results.get()
    far.close()
    if error is not None:
        near.close()
        return
    _spawner = spawner
    wanted = _CAP if hard == resource.RLIM_INFINITY else min(hard, _CAP)
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def soft_limit() -> int:
    """So many files a program may open at first: what recon itself was started with."""
    return _spawner.child_soft if _spawner else resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def run(call: Callable[[], T], handed: Sequence[int] = ()) -> T:
    """What ``call`` returns or raises, from the thread with the small table.

    It sees none of the caller's descriptors but 0, 1 and 2 (see ``reopened``), and those that are
    ``handed`` over: as 3, 4, … and to be inherited. OSError where there are more than ``MOST``,
    or where there is no such thread.
    """
    if len(handed) > MOST or (handed and _spawner is None):
        raise OSError(errno.EOPNOTSUPP, f"{len(handed)} sockets cannot be handed over here")
    if _spawner is None:
        return call()
    if handed:
        socket.send_fds(_spawner.near, [b"f"], list(handed))
        call = functools.partial(_with_handed, call)
    _spawner.calls.put(call)
    result, error = _spawner.results.get()
    if error is not None:
        raise error
    answer: T = result
    return answer


def reopened(fd: int, flags: int = os.O_RDWR) -> int:
    """Inside ``run``: a descriptor of the same file as the caller's ``fd``, to be closed there.

    For FIFOs, pipes and devices, which do not mind being opened anew.
    """
    return os.open(f"/proc/self/fd/{fd}", flags | os.O_CLOEXEC)  # the main thread's table


def _serve(spawner: _Spawner, far: int, keep: int) -> None:
    global _far  # noqa: PLW0603  the thread's end of the pair; one for the process
    try:
        _unshare({far, keep} - {-1})
        _far = socket.socket(fileno=_moved_up(far))
        if keep >= 0:
            _moved_up(keep)
    except OSError as error:
        spawner.results.put((None, error))
        return
    spawner.results.put((None, None))
    while True:
        call = spawner.calls.get()
        try:
            spawner.results.put((_limited(spawner, call), None))
        except BaseException as error:
            spawner.results.put((None, error))


def _unshare(keep: set[int]) -> None:
    """Give this thread a table of its own, with nothing in it but 0, 1, 2 and these."""
    first = FIRST
    for fd in (*sorted(keep), _LAST + 1):
        if first < fd:
            _close_range(first, fd - 1)
        first = fd + 1


def _moved_up(fd: int) -> int:
    """The same file under a number that is out of the way."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    os.close(fd)
    return moved


def _with_handed(call: Callable[[], T]) -> T:
    """In the thread: what was sent lies at 3, 4, … while ``call`` runs."""
    assert _far is not None
    _, received, _, _ = socket.recv_fds(_far, 1, MOST)
    above = [_moved_up(fd) for fd in received]
    numbers = range(FIRST, FIRST + len(above))
    try:
        for fd, number in zip(above, numbers, strict=True):
            os.dup2(fd, number, inheritable=True)
        return call()
    finally:
        for fd in (*above, *numbers):
            with contextlib.suppress(OSError):
                os.close(fd)


def _limited(spawner: _Spawner, call: Callable[[], T]) -> T:
    """The caller waits meanwhile; a thread that opens a file in these 0.4 ms may get EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == spawner.child_soft:
        return call()
    resource.setrlimit(resource.RLIMIT_NOFILE, (spawner.child_soft, hard))
    try:
        return call()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _close_range(first: int, last: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(last), _UNSHARE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _close_inherited_on_exec() -> None:
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # the descriptor of the listing itself, closed since
