"""Inside a controller: the end of it by SIGKILL, before or after one of its effects.

A *point* is an effect at one place of the code, before or after it: ``before state/lock.py:41
acquire os.open``. Which of them ends this life is decided by the process that started it
(``Plan``), which knows what earlier lives have had; ``Failpoints`` writes down what it meets, so
that the next plan knows.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import reconciler
from tests.effects import Effect

_ROOT = f"{Path(reconciler.__file__).parent}{os.sep}"
# Taken before they are wrapped.
_kill, _getpid = os.kill, os.getpid
NOTES = 1 << 18
"""Bytes for what one life meets."""


class Plan(NamedTuple):
    """When a life ends by itself."""

    nth: int = 0
    """At which of the points that count; 0 for none: the life is ended from outside."""
    only: Collection[str] = ()
    """The points that count; where there are none, all but these count: …"""
    but: Collection[str] = ()
    share: tuple[int, int] = (0, 1)
    """… of the points that belong to this group (its number, and how many there are)."""
    latest: int = 0
    """The life ends at the latest when it meets a point for this time in all; 0: it does not."""

    def counts(self, point: str) -> bool:
        """Whether the life may end at this point."""
        if self.only:
            return point in self.only
        group, groups = self.share
        return zlib.crc32(point.encode()) % groups == group and point not in self.but


class Failpoints:
    """The points of this process. What is met is written to the file ``notes``, by memory: not
    every thread of a controller has its descriptors."""

    def __init__(self, plan: Plan, notes: Path) -> None:
        self._plan = plan._replace(only=frozenset(plan.only), but=frozenset(plan.but))
        notes.write_bytes(bytes(NOTES))
        with notes.open("r+b") as file:
            self._notes = mmap.mmap(file.fileno(), NOTES)
        self._left = plan.nth
        self._all = 0
        self._met: Counter[str] = Counter()
        self._pid = _getpid()
        self._lock = threading.Lock()

    def before(self, effect: Effect) -> None:
        self._reach(f"before {place(sys._getframe(1))} {effect.name}", effect)

    def after(self, effect: Effect) -> None:
        self._reach(f"after {place(sys._getframe(1))} {effect.name}", effect)

    def _reach(self, point: str, effect: Effect) -> None:
        if _getpid() != self._pid:
            return  # a child between fork and exec
        with self._lock:
            self._met[point] += 1
            if self._met[point] == 1:
                self._notes.write(f"met {point}\n".encode())
            self._all += 1
            if self._left and self._plan.counts(point):
                self._left -= 1
                if not self._left:
                    self._plan = self._plan._replace(latest=self._all)
            if self._all != self._plan.latest:
                return
            times = self._met[point]
            self._notes.write(f"end {point} ({times}): {effect.target[:200]!r}\n".encode())
        _kill(self._pid, signal.SIGKILL)
        signal.pause()  # in a thread, a moment passes until the signal ends it


def place(frame: FrameType | None) -> str:
    """The nearest line of recon that an effect is made by: ``state/lock.py:41 acquire``."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_ROOT):
            return f"{code.co_filename.removeprefix(_ROOT)}:{frame.f_lineno} {code.co_qualname}"
        frame = frame.f_back
    return "elsewhere"
