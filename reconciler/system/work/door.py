"""The one door to paths that users name: each touch of one can wait forever, and says so first.

A dead network file system holds stat(2) as well as open(2) and readdir(3), and nothing but a fatal
signal ends that. So a look at such paths is made by a thread (``system/work/look.py``), and through
the functions here: they do what those of ``os`` and ``os.path`` do, and note where the thread is. A
path that did not answer is not touched again by the looks after it: ``UnansweredError``.

Threads that were given no ``Visit`` go through without a note: a worker process has a deadline of
its own.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Name = str | bytes | os.PathLike[str]


class UnansweredError(OSError):
    """The file system of a path does not answer."""

    def __init__(self, path: str) -> None:
        self.message = f"{path} does not answer"
        self.remedy = (
            "see whether its file system is mounted and its server is up; recon tries again"
        )
        super().__init__(errno.ETIMEDOUT, f"{self.message}; {self.remedy}", path)


class GivenUp(BaseException):
    """The thread took too long, and another one has taken its place."""


class Visit:
    """Where one thread is. Written by that thread, read by others."""

    def __init__(self, unanswered: frozenset[str] = frozenset()) -> None:
        """``unanswered``: paths that are not to be touched, nor anything below them."""
        self.unanswered = unanswered
        self.at = ""
        """The path in hand; empty while the thread works on what it has read."""
        self.touches = 0
        self._seen = -1
        self.given_up = False

    def check(self, path: str) -> None:
        """GivenUp, UnansweredError: where this thread is to go no further."""
        if self.given_up:
            raise GivenUp
        for dead in self.unanswered:
            if path == dead or path.startswith(dead.rstrip("/") + "/"):
                raise UnansweredError(dead)

    def stands_still(self) -> bool:
        """Whether it is where it was when this was asked last. For one other thread to ask."""
        seen, self._seen = self._seen, self.touches
        return bool(self.at) and seen == self._seen


class _Local(threading.local):
    visit: Visit | None = None


_local = _Local()


@contextmanager
def visiting(visit: Visit) -> Iterator[None]:
    """What this thread touches from here on is noted in ``visit``."""
    _local.visit = visit
    try:
        yield
    finally:
        _local.visit = None


def through(path: Name, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What ``call`` returns, which touches ``path``. UnansweredError, and what it raises."""
    visit = _local.visit
    if visit is None:
        return call(*args, **kwargs)
    at = path if type(path) is str else os.fsdecode(path)
    if visit.given_up or visit.unanswered:
        visit.check(at)
    visit.touches += 1
    visit.at = at
    try:
        return call(*args, **kwargs)
    finally:
        visit.at = ""


def stat(path: Name) -> os.stat_result:
    """As ``os.stat``."""
    return through(path, os.stat, path)


def lstat(path: Name) -> os.stat_result:
    """As ``os.lstat``."""
    return through(path, os.lstat, path)


def open_found(path: Name, flags: int, *, shown: Name = "", dir_fd: int | None = None) -> int:
    """As ``os.open``; ``shown`` is the whole path where ``path`` is relative to ``dir_fd``."""
    return through(shown or path, os.open, path, flags, dir_fd=dir_fd)


def realpath(path: str) -> str:
    """As ``os.path.realpath``."""
    return through(path, os.path.realpath, path)


def readlink(path: str) -> str:
    """As ``os.readlink``."""
    return through(path, os.readlink, path)


def is_folder(path: Name) -> bool:
    """As ``os.path.isdir``, but for UnansweredError: what does not answer may be there."""
    return modes.S_ISDIR(_mode(stat, path))


def is_file(path: Name) -> bool:
    """As ``os.path.isfile``."""
    return modes.S_ISREG(_mode(stat, path))


def is_link(path: Name) -> bool:
    """As ``os.path.islink``."""
    return modes.S_ISLNK(_mode(lstat, path))


def exists(path: Name) -> bool:
    """As ``os.path.exists``."""
    return _mode(stat, path) != 0


def lexists(path: Name) -> bool:
    """As ``os.path.lexists``."""
    return _mode(lstat, path) != 0


def may_execute(path: Name) -> bool:
    """As ``os.access`` with ``X_OK``."""
    return through(path, os.access, path, os.X_OK)


def _mode(call: Callable[[Any], os.stat_result], path: Name) -> int:
    try:
        return call(path).st_mode
    except UnansweredError:
        raise
    except (OSError, ValueError):
        return 0
