"""What a task in a worker process has, and how controller and worker write to each other.

Messages are pickled tuples behind their length. Imported by the worker, so nothing heavy here.
"""

from __future__ import annotations

import mmap
import os
from typing import Any, NamedTuple

HEADER = 8
"""Bytes before each message: its length, big-endian."""
LONGEST = 1 << 28
"""Bytes of a message; a longer one is a fault."""
PAGE = mmap.PAGESIZE
"""Size of the memory in which a worker says where it is."""


class Shared(NamedTuple):
    """A large argument that many tasks have in common: sent to a worker once a version."""

    name: str
    version: int
    value: object


class Session:
    """What a task has beside its argument."""

    def __init__(self, place: mmap.mmap | None = None) -> None:
        self._place = place
        self.shared: dict[str, Any] = {}
        """The newest version of each ``Shared``."""
        self.memo: dict[str, Any] = {}
        """What is kept for the owner of the task, from its tasks before."""

    def at(self, path: str) -> None:
        """Say that the task is at this path, before it may be stuck there."""
        if self._place is not None:
            name = os.fsencode(path)[: PAGE - 1] + b"\0"
            self._place[: len(name)] = name
