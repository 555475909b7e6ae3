"""File descriptors and their limit: the controller holds thousands, a program none but 0, 1, 2.

Guarantees, once ``prepare()`` ran at the controller's start:

- Nothing the controller was started with (an open file of the shell, say) reaches a program:
  all inherited descriptors are close-on-exec, as Python's own are from birth.
- The controller may open as many files as the hard limit allows (it holds a pidfd and two FIFOs
  for each instance), yet programs start with the soft limit that recon was started with. A
  raised one breaks those that use select(2) or that close all possible descriptors.
- A spawn costs the same however many files the controller has open.

How: fork copies the whole table of descriptors, and exec closes the copies one by one; with 3,000
open that is more than all the rest of a spawn (measured: 1.2 ms against 0.55). On Linux the table
belongs to the thread, though. So one thread has a table of its own with next to nothing in it,
and programs are started from there (``run``). Low numbers are free in it, so the soft limit can
be lowered for the time of the fork.

That thread also has a working directory and a umask of its own (``has_place``), where no sandbox
forbids that: what it starts begins there.

A signal may be delivered to any thread, and Python tells its event loop by writing to a descriptor
(signal.set_wakeup_fd). So that descriptor is in the thread's table too, under the same number: a
mask would pass on to what the thread starts, and leave programs deaf.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import queue
import resource
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from reconciler.system import syscalls
from reconciler.system.work import threads

T = TypeVar("T")

_CAP = 1 << 20
"""No more than this many, where the hard limit is beyond reason."""
_CLOSE_RANGE = 436  # the system call's number, the same on all architectures; Linux ≥ 5.9
_UNSHARE = 1 << 1  # CLOSE_RANGE_UNSHARE: copy the table first, less what is to be closed
_LAST = 2**32 - 1
_FIRST = 3
_PATIENCE = 0.05
"""Seconds for what may wait for a file system; it takes 50 µs."""
_MOST_STUCK = 8
"""Threads that may wait for a file system at once: then no new one starts until one returns."""


class StuckError(Exception):
    """What was to be done first does not return, and nothing has been done."""


@dataclass(slots=True)
class _Call(Generic[T]):
    """``first`` may wait forever, ``then`` may not."""

    first: Callable[[], object]
    then: Callable[[], T]
    result: SimpleQueue[tuple[T | None, BaseException | None]] = field(default_factory=SimpleQueue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    decided: bool = False
    """``then`` is being done, or never will be."""

    def decide(self) -> bool:
        """Whether this caller decides."""
        with self.lock:
            first, self.decided = not self.decided, True
        return first


_soft: int | None = None
"""The soft limit that programs get."""
_keep = -1
_calls: SimpleQueue[_Call[Any]] | None = None
"""Of the thread with the small table."""
_stuck = 0
_possible = False
_of_thread = threading.local()
"""``place``: the thread shares its directory and umask with no other."""


def prepare(keep: int = -1) -> None:
    """Call once, first thing in the controller: see the module's promises.

    ``keep`` is a descriptor that children hold until their exec: the controller's lock.
    Where a sandbox forbids a table of its own, spawns go the common way.
    """
    global _soft, _keep, _possible
    _close_inherited_on_exec()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    _soft, _keep, _possible = soft, keep, True
    limit = _CAP if hard == resource.RLIM_INFINITY else min(hard, _CAP)
    if soft != resource.RLIM_INFINITY and limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def soft_limit() -> int:
    """So many files a program may open at first: what recon itself was started with."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] if _soft is None else _soft


def run(first: Callable[[], object], then: Callable[[], T]) -> T:
    """What ``then`` returns or raises, after ``first``, from the thread with the small table.

    They see none of the caller's descriptors but 0, 1 and 2: see ``reopened``. StuckError where
    ``first`` does not return: ``then`` is never done then. OSError where there is no such thread.
    """
    global _stuck, _calls  # noqa: PLW0603  there is one such thread at a time
    if _calls is None:
        _calls = _begin()
    call = _Call(first, then)
    _calls.put(call)
    try:
        result, error = call.result.get(timeout=_PATIENCE)
    except queue.Empty:
        if call.decide():
            _stuck += 1
            _calls = None  # its thread leaves when it returns; the next call gets another
            raise StuckError from None
        result, error = call.result.get()
    if error is not None:
        raise error
    answer: T = result  # type: ignore[assignment]  # there is one where there is no error
    return answer


def reopened(fd: int, flags: int = os.O_RDWR) -> int:
    """Inside ``run``: a descriptor of the same file as the caller's ``fd``, to be closed there.

    For FIFOs, pipes and devices, which do not mind being opened again.
    """
    return os.open(f"/proc/self/fd/{fd}", flags | os.O_CLOEXEC)  # the main thread's table


def has_place() -> bool:
    """Inside ``run``: whether directory and umask can be changed and no other thread sees it."""
    return getattr(_of_thread, "place", False)


def _begin() -> SimpleQueue[_Call[Any]]:
    """Start a thread with a small table. OSError where that is not possible."""
    if not _possible or _stuck >= _MOST_STUCK:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    calls: SimpleQueue[_Call[Any]] = SimpleQueue()
    born: SimpleQueue[OSError | None] = SimpleQueue()
    arguments = (calls, born, {_keep, _wakeup()} - {-1})
    threads.start(_serve, arguments, name="spawner")
    refused = born.get()
    if refused is not None:
        raise refused
    return calls


def _wakeup() -> int:
    """The descriptor by which signals wake the event loop; no signal is lost by asking."""
    near, far = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = signal.set_wakeup_fd(far)
        signal.set_wakeup_fd(found)
        if found >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(found, os.read(near, 64))
        return found
    except ValueError:  # this is not the main thread, which alone may ask
        return -1
    finally:
        os.close(near)
        os.close(far)


def _serve(
    calls: SimpleQueue[_Call[Any]], born: SimpleQueue[OSError | None], kept: set[int]
) -> None:
    try:
        _unshare(kept)
    except OSError as error:
        born.put(error)
        return
    with contextlib.suppress(OSError):  # Docker forbids it to a container without CAP_SYS_ADMIN
        syscalls.unshare(syscalls.CLONE_FS)
        _of_thread.place = True
    born.put(None)
    while _do(calls.get()):
        pass


def _do(call: _Call[Any]) -> bool:
    """False where it took too long, and the caller has gone another way."""
    global _stuck  # noqa: PLW0603  a count of this process's threads
    error: BaseException | None = None
    try:
        call.first()
    except BaseException as met:
        error = met
    if not call.decide():
        _stuck -= 1
        return False
    try:
        call.result.put((None, error) if error else (_limited(call.then), None))
    except BaseException as met:
        call.result.put((None, met))
    return True


def _unshare(keep: set[int]) -> None:
    """Give this thread a table of its own, with nothing in it but 0, 1, 2 and these."""
    first = _FIRST
    for fd in (*sorted(keep), _LAST + 1):
        if first < fd:
            _close_range(first, fd - 1)
        first = fd + 1
    while (fd := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) < _FIRST:
        pass  # recon was started without it: nothing else may come to have its number
    os.close(fd)


def _limited(call: Callable[[], T]) -> T:
    """The caller waits meanwhile; a thread that opens a file in these 0.4 ms may get EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == _soft or _soft is None:
        return call()
    resource.setrlimit(resource.RLIMIT_NOFILE, (_soft, hard))
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
