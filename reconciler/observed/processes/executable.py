"""Is the program that a process runs still the one on disk?

A new version usually arrives by rename, which removes the old file: the kernel then marks the
link ``/proc/PID/exe`` with " (deleted)". Where the old file was moved away instead, the link
shows its new name, and what lies at the first name tells.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

from reconciler.system import procfs

_DELETED = " (deleted)"


class Executable(NamedTuple):
    """The file a process runs, where it lay when first seen."""

    path: str
    file: tuple[int, int]
    """(st_dev, st_ino)"""


class Verdict(NamedTuple):
    """What to remember for the next look, and whether the file was replaced or removed."""

    known: Executable | None
    replaced: bool


def examine(pid: int, known: Executable | None, proc: str = procfs.PROC) -> Verdict:
    """Look at a process again; ``known`` is what the look before returned, None at first."""
    path = procfs.link(pid, "exe", proc)
    if path is None:  # it has ended, or may not be looked at
        return Verdict(known, False)
    if known is not None and path == known.path:
        return Verdict(known, False)
    if path.endswith(_DELETED):
        return Verdict(known, not _never_on_disk(path) and _file(path) != _running(pid, proc))
    file = _running(pid, proc)
    if file is None:
        return Verdict(known, False)
    if known is not None and file == known.file:
        return Verdict(known, _file(known.path) != file)
    return Verdict(_executable(path, file), False)  # the first look, or it called exec


@lru_cache(maxsize=1024)
def _executable(path: str, file: tuple[int, int]) -> Executable:
    """One for all processes that run the same file."""
    return Executable(path, file)


def _never_on_disk(path: str) -> bool:
    return path.startswith("/memfd:")


def _running(pid: int, proc: str) -> tuple[int, int] | None:
    return _file(f"{proc}/{pid}/exe")


def _file(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
