"""Opening a file that another user made, without waiting for it.

A plain open(2) waits: for a writer of a FIFO, for the holder of a lease (fcntl(2), 45 s), and it
can arm a device. O_NONBLOCK alone prevents the first two and not the third. So the name is opened
with O_PATH, which touches nothing, and only a regular file is opened for reading, by that same
descriptor: nothing can be swapped in between.

Reading what was opened can still wait, for a dead network file system. Files of apps are read in
the worker process, where that matters.
"""

from __future__ import annotations

import errno
import os
import stat

__all__ = ["open_regular", "read_head", "reopen_regular"]


def open_regular(path: str | bytes | os.PathLike[str], *, dir_fd: int | None = None) -> int:
    """A descriptor for reading the regular file that ``path`` leads to; the caller closes it.

    Links are followed. OSError: EINVAL where it is not a regular file, EWOULDBLOCK where a process
    holds a lease on it; otherwise as open(2).
    """
    found = os.open(path, os.O_PATH | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        return reopen_regular(found)
    finally:
        os.close(found)


def reopen_regular(found: int) -> int:
    """The same for a file that is open with O_PATH already; ``found`` stays the caller's."""
    if not stat.S_ISREG(os.fstat(found).st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    # The thread's: one that has a table of descriptors of its own opens its own file.
    return os.open(f"/proc/thread-self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def read_head(path: str | bytes | os.PathLike[str], size: int) -> bytes:
    """The first ``size`` bytes of a regular file; fewer where it is shorter. OSError as above."""
    descriptor = open_regular(path)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)
