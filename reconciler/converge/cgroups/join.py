"""Instances without limits join their cgroups in the background: nothing waits for that.

To move a process the kernel waits until all forks on the host have come to rest: 13 to 20 ms when
that is the first move for a while, 50 µs right after another (measured, Linux 6.18). At birth that
would be most of the time in which a killed program comes back, and an eighth of what a start of
a thousand takes. So an instance with limits pays it at its gate, and for all others a thread does
it when no start has come for a moment: whatever is forked from then on can be found, and ended,
whatever it does to its environment, session and output. What was forked before, and has lost its
parent, is known by its lineage (``model.host.lineage``).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.system.work import threads

_QUIET, _LONGEST = 0.1, 5.0
"""Seconds without a start, and how long at most one waits for that."""


class Enroller:
    """The thread; it begins with the first instance, and ends with the controller.

    A start only puts its process into a list. The thread is woken by the first of a batch, not by
    each: else it would take turns with a start of a thousand, for the interpreter's lock.
    """

    def __init__(self, cgroups: Cgroups) -> None:
        self._cgroups = cgroups
        self._waiting: deque[tuple[Tag, ProcessId]] = deque()
        self._called, self._leaving = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, tag: Tag, id: ProcessId) -> None:
        """Have a process, and what it has forked already, moved into its instance's cgroup."""
        if not self._cgroups.possible:
            return
        self._waiting.append((tag, id))
        if self._thread is None and not self._begin():
            return  # the next one tries again
        if not self._called.is_set():
            self._called.set()

    def _begin(self) -> bool:
        try:
            self._thread = threads.start(self._serve, name="enroller")
        except OSError:  # no more threads just now
            return False
        return True

    def close(self) -> None:
        """Finish what waits."""
        if self._thread is not None:
            self._leaving.set()
            self._called.set()
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        while not self._leaving.is_set():
            self._called.wait()
            self._wait_until_quiet()
            self._called.clear()  # before the list is read: who comes after that calls again
            self._enrol_all()
        self._enrol_all()

    def _enrol_all(self) -> None:
        while self._waiting:
            self._enrol(*self._waiting.popleft())

    def _wait_until_quiet(self) -> None:
        until, seen = time.monotonic() + _LONGEST, 0
        while len(self._waiting) != seen and time.monotonic() < until:
            seen = len(self._waiting)
            if self._leaving.wait(_QUIET):
                return

    def _enrol(self, tag: Tag, id: ProcessId) -> None:
        try:
            self._cgroups.enter(tag, id.pid)
            for pid in _descendants(id.pid):
                self._cgroups.enter(tag, pid)
        except OSError:  # it has ended, or the host has no room: its tag is witness enough
            self._cgroups.remove(tag)


def _descendants(pid: int) -> list[int]:
    """All that a process has forked and that is still its own, or its children's."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except (OSError, ValueError):
        pass
    return [*found, *(below for child in found for below in _descendants(child))]
