"""Where a file of a log is now: it may have been rotated since, and compressed after that.

By time first, since the number of an inode may be given to another file once the first was
compressed: what was the current file at some moment is what was rotated first after that. The
inode decides where the clock cannot: it was set back, or both are of one moment.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.logs.read.compressed import opened
from reconciler.logs.read.files import LogFile, Rotated
from reconciler.model.words import logname

_SAME = 0.002
"""Seconds within which two times may be one: lines have milliseconds, cut off."""


def file_of(log: LogFile, inode: int, at: float) -> Rotated | None:
    """The file that had this inode and was the log's current one at that time (wall seconds), or
    was rotated then; None where it is gone. OSError."""
    files = log.files()
    own = next((one for one in files if _inode(one.path) == inode), None)
    later = [one for one in files if one.ended is not None and one.ended > at + _SAME]
    rotated_at = [one for one in files if one.ended == at]
    named = rotated_at or later[-1:]  # files are newest first
    if not named:
        return own
    first = named[0]
    if own is not None and own != first and _is_plain(first.path) and own.ended is not None:
        return own
    return first


def _is_plain(path: Path) -> bool:
    return path.suffix not in logname.PACKED


def _inode(path: Path) -> int | None:
    with opened(path) as source:
        return None if source is None else source.inode
