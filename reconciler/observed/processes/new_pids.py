"""Which processes have appeared on the host since the last look.

Two ways. ``listing`` reads the whole of ``/proc`` (0.5 ms for 1,000 processes) and is complete.
``latest`` asks only for the pids that were given out since: the kernel counts upwards and tells
the last one in ``loadavg`` (proc(5)), so that a look costs as much as there is new, and stopping
a thousand instances is not a thousand listings.

What ``latest`` may miss, and the periodic listing finds: a process in the very middle of its
fork, and pids chosen by hand (CRIU). Where the numbers make no sense (the counter wrapped
around, a container's ``loadavg`` is made up by lxcfs) it gives way to the listing.
"""

from __future__ import annotations

from typing import NamedTuple

from reconciler.system import procfs

TURNS = 12
_TOO_MANY = 200
"""Pids to try one by one, 2 µs each, before the listing is cheaper."""


class Listing(NamedTuple):
    """One reading of ``/proc`` against the one before."""

    new: list[int]
    vanished: set[int]


class NewPids:
    """The pids that have been seen."""

    def __init__(self, proc: str = procfs.PROC) -> None:
        self._proc = proc
        self._seen: set[int] = set()
        self._cursor: int | None = None
        self._proven = False
        self._added: int | None = None
        self._turn = 0

    def listing(self) -> Listing:
        """All new pids, and all that are gone."""
        self._cursor = procfs.last_pid(self._proc)  # before: what comes meanwhile is tried again
        self._added = None
        present = set(procfs.pids(self._proc))
        new, vanished = present - self._seen, self._seen - present
        self._seen = present
        return Listing(sorted(new), vanished)

    def latest(self) -> list[int]:
        """New pids, found cheaply; may include threads, and processes that have ended since."""
        before, last = self._cursor, procfs.last_pid(self._proc)
        if before is None or last is None or not self._makes_sense(before, last):
            before_listing = self._seen
            listing = self.listing()
            # Who vanished is for the one who asks for it: not to be swallowed here.
            self._seen = self._seen | before_listing
            return listing.new
        self._cursor, self._added = last, None
        return [pid for pid in range(before + 1, last + 1) if pid not in self._seen]

    def is_seen(self, pid: int) -> bool:
        """Whether it was found by a listing, and has not been counted as new again since."""
        return pid in self._seen

    def add(self, pid: int) -> None:
        """A process that needs no look: we have just started it."""
        self._seen.add(pid)
        self._added = pid

    def keep(self, pid: int) -> None:
        """One of the latest is of interest: the next listing tells if it has gone by then."""
        self._seen.add(pid)

    def discard(self, pid: int) -> None:
        """Count it as new at the next listing."""
        self._seen.discard(pid)

    def reset(self) -> None:
        """Count everything as new."""
        self._seen.clear()
        self._cursor = None

    def present(self) -> list[int]:
        """All that the last look found."""
        return sorted(self._seen)

    def turn(self) -> list[int]:
        """A part of them, each time another: after ``TURNS`` it was all."""
        self._turn = (self._turn + 1) % TURNS
        return [pid for pid in self._seen if pid % TURNS == self._turn]

    def _makes_sense(self, before: int, last: int) -> bool:
        """Whether the counter has counted a process of recon, and so can be used."""
        if self._added is not None:
            self._proven = before < self._added <= last
        return self._proven and 0 <= last - before <= _TOO_MANY
