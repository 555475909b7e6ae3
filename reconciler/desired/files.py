"""Reading a file that another program may be replacing, or a path that is not a file.

A FIFO or a device named like a manifest must not hold up the controller, a huge one not fill it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

from reconciler.system.files.filesystem import is_pseudo
from reconciler.system.files.regular import reopen_regular
from reconciler.system.files.trust import Trust
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError

Signature = tuple[int, ...]
"""What changes with every write to a file or replacement of it."""

# A time stamp may be as coarse as a tick of the kernel (10 ms at most): a file that changed
# less than this ago may change again and keep its stamp, so that its stamp proves nothing.
_RACY_NS = 50_000_000
_PIECE = 4096
NEVER: Signature = ()
"""The signature that no file has."""


def read_regular(path: str, limit: int, trust: Trust) -> bytes:
    """The content, of at most ``limit`` bytes: a larger file raises EFBIG, unread.

    OSError where it cannot be read, or may have been written by the wrong people
    (``UntrustedError``), with a ``strerror`` fit for people.
    """
    found = trust.open(path)
    try:
        descriptor = door.through(path, reopen_regular, found)
    finally:
        os.close(found)
    try:
        size = os.fstat(descriptor).st_size
        content = door.through(path, _content, descriptor, size, limit) if size <= limit else b""
        size = max(size, len(content))
    finally:
        os.close(descriptor)
    if size > limit:
        raise OSError(errno.EFBIG, f"{-(-size // 2**20)}Mi is too large", path)
    return content


def _content(descriptor: int, size: int, limit: int) -> bytes:
    """Up to one byte more than ``limit``, of a file that says it has ``size``."""
    pieces: list[bytes] = []
    left = limit + 1
    with contextlib.suppress(BlockingIOError):  # there is nothing to read yet, as in some of /proc
        while left > 0 and (piece := os.read(descriptor, min(left, max(size + 1, _PIECE)))):
            pieces.append(piece)
            left -= len(piece)
    return b"".join(pieces)


def is_made_up(path: str) -> bool:
    """Whether ``path`` leads into /proc, /sys and the like, where no data is stored.

    OSError.
    """
    descriptor = door.open_found(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return door.through(path, is_pseudo, descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str) -> None:
    """Have the names in a folder on disk, too. OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def signature(path: str) -> Signature | None:
    """Of the file that ``path`` leads to; None where there is none.

    UnansweredError."""
    try:
        status = door.stat(path)
    except UnansweredError:
        raise
    except OSError:
        return None
    return (
        *(status.st_mtime_ns, status.st_ctime_ns),
        *(status.st_size, status.st_ino, status.st_dev),
    )


def lasting(seen: Signature | None) -> Signature | None:
    """The signature to remember: ``NEVER`` where it is too fresh to prove anything later."""
    if seen is not None and abs(time.time_ns() - seen[1]) < _RACY_NS:
        return NEVER
    return seen
