"""Which new processes may have been forked by an instance: those that no other process forked.

When a main process ends, the processes that it forked a moment ago must be known before its
replacement starts. Other programs of the host fork as well. To hear all witnesses about each of
their children would take most of a restart (0.1 ms each, and 5 ms for one in the middle of an
exec), so their parents are looked at first. The parent of a process is the process that forked it,
until that one ends. Then it is one that is above both, a subreaper or the first process (prctl(2)).
So a process whose parent was seen before, is no process of an instance, and is above none, was
forked by another program.

What looks foreign so is only put off: the next relist hears all witnesses about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from reconciler.model.host.procstat import ProcStat
from reconciler.system import procfs


class Descent:
    """``is_seen``: a process was there at an earlier look; ``is_member``: an instance has it."""

    def __init__(
        self, is_seen: Callable[[int], bool], is_member: Callable[[int], bool], proc: str
    ) -> None:
        self._is_seen = is_seen
        self._is_member = is_member
        self._proc = proc
        self._above: set[int] = set()
        """The processes to which children of instances may fall."""

    def below(self, parent: int) -> None:
        """An instance has a process with this parent: what it leaves may fall to that one, and to
        those above it."""
        while parent not in self._above:
            self._above.add(parent)
            found = procfs.stat(parent, self._proc)
            if found is None:
                break
            parent = found.ppid

    def candidates(self, pids: Iterable[int]) -> tuple[list[int], list[int]]:
        """Of new pids those that an instance may have forked, and those that another program did.
        What has ended and threads are neither. OSError where we are out of files."""
        self.below(1)
        self.below(os.getpid())
        there = (pid for pid in pids if procfs.is_there(pid, self._proc))
        new = {pid: procfs.stat(pid, self._proc) for pid in there}
        near, foreign = [], []
        for pid, found in new.items():
            if found is None:
                continue
            if self._is_foreign(found, new):
                foreign.append(pid)
            elif not procfs.is_thread(pid, self._proc):
                near.append(pid)
        return near, foreign

    def _is_foreign(self, found: ProcStat, new: dict[int, ProcStat | None]) -> bool:
        parent = found.ppid
        for _ in range(len(new)):
            if parent not in new:
                break
            above = new[parent]
            if above is None:  # it has ended: no parent leads any further
                return False
            parent = above.ppid
        if parent in new or parent in self._above or not self._is_seen(parent):
            return False
        return not self._is_member(parent)
