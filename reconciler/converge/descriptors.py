"""File descriptors and their limit: the controller holds thousands, a program none but 0, 1, 2.

Guarantees, once ``prepare()`` ran at the controller's start:

- Nothing the controller was started with (an open file of the shell, say) reaches a program:
  all inherited descriptors are close-on-exec, as Python's own are from birth. So a spawn
  need not close anything, which with 5,000 open descriptors is the larger part of its cost.
- The controller may open as many files as the hard limit allows (it holds pidfds and FIFOs
  for each instance), yet programs start with the soft limit that recon was started with.
  A raised one breaks those that use select(2) or that close all possible descriptors.

How: Linux copies RLIMIT_NOFILE at fork, so the soft limit is lowered for the time of the fork.
Under the lowered limit a new descriptor must have a low number, and the error pipe of
``subprocess`` needs two; ``spawning()`` frees two of a few low numbers kept in reserve.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_CAP = 1 << 20
"""No more than this many, where the hard limit is beyond reason."""
_RESERVE = 7
"""Two for a spawn, the rest in case other threads take numbers while two are free."""
_FREED = 2


@dataclass(slots=True)
class _State:
    """Limits and reserve. One for the process, since the limit is the process's."""

    null: int = -1
    child_soft: int | None = None
    """The soft limit that programs get; None where it is the controller's own."""
    reserve: list[int] = field(default_factory=list)


_state = _State()


def prepare() -> None:
    """Call once, first thing in the controller: see the module's promises."""
    _close_inherited_on_exec()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    _state.child_soft = soft
    null()
    _refill()
    wanted = _CAP if hard == resource.RLIM_INFINITY else min(hard, _CAP)
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def null() -> int:
    """A descriptor of /dev/null, open for reading and writing, kept for ever."""
    if _state.null < 0:
        _state.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    return _state.null


@contextmanager
def spawning() -> Iterator[None]:
    """Fork inside this: children get the original soft limit, and two low numbers are free.

    Another thread that opens a file meanwhile (some 0.4 ms) may take the free numbers, or get
    EMFILE, as it might at any time. So the reserve is refilled from what is free, never by
    dup2 onto a number that may have become somebody's.
    """
    lowered = _lower()
    for _ in range(min(_FREED, len(_state.reserve))):
        os.close(_state.reserve.pop())
    try:
        yield
    finally:
        if lowered is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, lowered)
        _refill()


def lift(fd: int) -> int:
    """``fd`` under a number outside the reserve's; the old number is free again.

    Raises OSError (EMFILE) and leaves ``fd`` open where there is none.
    """
    lifted: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _RESERVE + 3)
    os.close(fd)
    return lifted


def _lower() -> tuple[int, int] | None:
    """Lower the soft limit; returns the limits to restore, None where nothing changed."""
    if _state.child_soft is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == _state.child_soft:
        return None
    resource.setrlimit(resource.RLIMIT_NOFILE, (_state.child_soft, hard))
    return soft, hard


def _refill() -> None:
    while _state.child_soft is not None and len(_state.reserve) < _RESERVE:
        try:
            fd = fcntl.fcntl(null(), fcntl.F_DUPFD_CLOEXEC, 3)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                return
            raise
        if _state.child_soft != resource.RLIM_INFINITY and fd >= _state.child_soft:
            os.close(fd)
            return
        _state.reserve.append(fd)


def _close_inherited_on_exec() -> None:
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # the descriptor of the listing itself, closed since
