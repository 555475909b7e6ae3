"""Whether an exec may wait: then a stub must make it (``forkserver``), and not the controller.

Opening a program waits where a process holds a lease on it, and where its file system does not
answer. Such a file is told from others by opening it the way that never waits for a lease
(``system.files.regular``), and by its file system's kind. These looks may wait for a file system
themselves, so they are made in a thread that blocks no app (``descriptors.run``).

A thousand apps start the same few programs in the same few folders. What was found of a program
holds for a second where no other user can take a lease on it, and where its name still leads to the
same file, unchanged. So does what was found of a file system, which its device names while it is
mounted. A single start, after a crash, takes no note: it would be the slower for nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple, TypeVar

from reconciler.system.files.filesystem import is_local
from reconciler.system.files.regular import open_regular

K = TypeVar("K")
V = TypeVar("V")

_HEAD = 256
_INTERPRETERS = 4  # so many the kernel follows (BINPRM_MAX_RECURSION)
_HOLDS = 1.0
"""Seconds."""
_MOST_KNOWN = 256


class _File(NamedTuple):
    """One file of an exec. ``changed``: its ctime, which a new owner changes as well."""

    path: str | bytes
    device: int
    inode: int
    changed: int

    @classmethod
    def of(cls, path: str | bytes, status: os.stat_result) -> _File:
        return cls(path, status.st_dev, status.st_ino, status.st_ctime_ns)


class _Found(NamedTuple):
    """A program, and the interpreters that it names. ``until``: monotonic seconds."""

    files: tuple[_File, ...]
    until: float


_known: dict[tuple[str, ...], _Found] = {}
"""By the paths at which a program is looked for, all of them absolute."""
_looked_at = float("-inf")
"""When a program was opened last (monotonic seconds)."""
_local: dict[int, float] = {}
"""Devices of local file systems, and until when that holds (monotonic seconds)."""


def check(paths: Sequence[str], cwd: str) -> None:
    """OSError where the exec of the first of these programs that is there may wait, or would fail.

    Either is for a stub to find out.
    """
    global _looked_at  # noqa: PLW0603  one thread starts programs at a time
    now = monotonic()
    found = _known.get(key := tuple(paths))
    is_known = found is not None and now < found.until and _is_the_same(key, found.files)
    if is_known and now < _local.get(os.stat(cwd).st_dev, 0.0):
        return
    is_one_of_many = now - _looked_at < _HOLDS
    _looked_at = now
    folder = os.open(cwd, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _be_local(folder)
        if not is_known:
            files = _look(key, folder)
            if is_one_of_many:
                _take_note(key, files, now + _HOLDS)
        if is_one_of_many:
            _note(_local, os.fstat(folder).st_dev, now + _HOLDS)
    finally:
        os.close(folder)


def _is_the_same(paths: Sequence[str], files: tuple[_File, ...]) -> bool:
    """Whether the exec would open just these files, as they were."""
    program, *interpreters = files
    for path in paths:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if _File.of(path, status) != program:
            return False
        return all(_File.of(one.path, os.stat(one.path)) == one for one in interpreters)
    return False


def _look(paths: tuple[str, ...], folder: int) -> list[tuple[str | bytes, os.stat_result]]:
    """Open each file that the exec would open. OSError where one may wait."""
    files = []
    path, program = _first(paths, folder)
    local = os.fstat(folder).st_dev
    for _ in range(_INTERPRETERS):
        status, interpreter = _opened(program, local)
        files.append((path, status))
        if not interpreter:
            return files
        path, program = interpreter, open_regular(interpreter, dir_fd=folder)
    os.close(program)
    return files


def _take_note(
    paths: tuple[str, ...], files: list[tuple[str | bytes, os.stat_result]], until: float
) -> None:
    """Remember what was found, if no other user can change it unseen."""
    names = [*paths, *(path for path, _ in files)]
    is_own = {status.st_uid for _, status in files} <= {0, os.geteuid()}
    if is_own and all(os.fsencode(name).startswith(b"/") for name in names):
        found = tuple(_File.of(path, status) for path, status in files)
        _note(_known, paths, _Found(found, until))


def _note(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[key] = value


def _first(paths: Sequence[str], folder: int) -> tuple[str | bytes, int]:
    for path in paths:
        try:
            return path, open_regular(path, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _opened(program: int, local: int) -> tuple[os.stat_result, bytes]:
    """A program's status, and the interpreter that it names; empty where it names none. OSError.

    ``local`` is a device that holds a local file system.
    """
    try:
        status = os.fstat(program)
        if status.st_dev != local:
            _be_local(program)
        head = os.read(program, _HEAD)
    finally:
        os.close(program)
    if not head.startswith(b"#!"):
        return status, b""
    words = head[2:].partition(b"\n")[0].split()
    return status, words[0] if words else b""


def _be_local(fd: int) -> None:
    if not is_local(fd):
        raise OSError(errno.EREMOTE, os.strerror(errno.EREMOTE))
