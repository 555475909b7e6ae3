"""Whether an exec may wait: then a stub must make it (``forkserver``), and not the controller.

Opening a program waits where a process holds a lease on it, and where its file system does not
answer. Such a file is told from others by opening it the way that never waits for a lease
(``system.files.regular``), and by its file system's kind. These looks may wait for a file system
themselves, so they are made in a thread that blocks no app (``descriptors.run``).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from reconciler.system.files.filesystem import is_local
from reconciler.system.files.regular import open_regular

_HEAD = 256
_INTERPRETERS = 4  # so many the kernel follows (BINPRM_MAX_RECURSION)


def check(paths: Sequence[str], cwd: str) -> None:
    """OSError where the exec of the first of these programs that is there may wait, or would fail.

    Either is for a stub to find out.
    """
    folder = os.open(cwd, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _be_local(folder)
        program = _first(paths, folder)
        for _ in range(_INTERPRETERS):
            interpreter = _look(program)
            if not interpreter:
                return
            program = open_regular(interpreter, dir_fd=folder)
    finally:
        os.close(folder)


def _first(paths: Sequence[str], folder: int) -> int:
    for path in paths:
        try:
            return open_regular(path, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _look(program: int) -> bytes:
    """The interpreter that a program names; empty where it names none. OSError."""
    try:
        _be_local(program)
        head = os.read(program, _HEAD)
    finally:
        os.close(program)
    if not head.startswith(b"#!"):
        return b""
    words = head[2:].partition(b"\n")[0].split()
    return words[0] if words else b""


def _be_local(fd: int) -> None:
    if not is_local(fd):
        raise OSError(errno.EREMOTE, os.strerror(errno.EREMOTE))
