"""Resident memory of processes, read often: by what costs least.

``/proc/PID/statm`` on a descriptor that is kept: 1.5 µs a look, against 7 µs with open and close
and 10 µs for ``stat`` (measured on 1,000 processes, Linux 6.18). Such a descriptor belongs to the
process, not to its number: once the process is gone it gives nothing, also where its pid is in
use again.

RSS counts a page once for each process that maps it. What a page is to a whole tree, PSS tells,
for some 50 µs a process and more where there is much; so it is asked only where it matters.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.model.state.observed import ProcessId
from reconciler.observed.host.samples import PAGE
from reconciler.system import procfs

_SHARE = 4
"""Of the files that we may open a quarter; beyond that, files are opened and closed again."""


class Weight(NamedTuple):
    """What some processes hold together."""

    rss: int
    """Bytes."""
    processes: int
    """How many of them there still are."""


class RssSampler:
    """Looks at processes; keeps a descriptor of each that it looked at, until ``forget``."""

    def __init__(self, proc: str = procfs.PROC) -> None:
        self._proc = proc
        self._files: dict[ProcessId, int] = {}

    def weigh(self, ids: Iterable[ProcessId]) -> Weight:
        """The sum of all these; an exited process counts 0. OSError: recon is out of files."""
        each = [*map(self.pages, ids)]
        return Weight(sum(each) * PAGE, sum(pages > 0 for pages in each))

    def pages(self, id: ProcessId) -> int:
        """Resident pages of one; 0 of one that is gone."""
        file = self._files.get(id)
        if file is None:
            return self._first_look(id)
        try:
            return int(os.pread(file, 64, 0).split(b" ", 2)[1])
        except OSError:
            self.forget([id])
            return 0

    def pss(self, ids: Iterable[ProcessId]) -> int | None:
        """Bytes, of all these together; None where one of them may not be looked into.

        For another thread: it takes milliseconds for each GiB.
        """
        total = 0
        for id in ids:
            found = procfs.pss(id.pid, self._proc)
            if found is None:
                stat = procfs.stat(id.pid, self._proc)
                if stat is not None and stat.start == id.start and not procfs.is_dead(stat):
                    return None
            total += found or 0
        return total

    def forget(self, ids: Iterable[ProcessId]) -> None:
        """These are gone, or need no look any more."""
        for id in ids:
            file = self._files.pop(id, None)
            if file is not None:
                os.close(file)

    def known(self) -> set[ProcessId]:
        """Those of which a descriptor is kept."""
        return {*self._files}

    def close(self) -> None:
        self.forget([*self._files])

    def _first_look(self, id: ProcessId) -> int:
        """Pages. The number is believed once its start was checked with the file open."""
        file = procfs.open_file(id.pid, "statm", self._proc)
        if file is None:
            return 0
        keep = False
        try:
            stat = procfs.stat(id.pid, self._proc)
            if stat is None or stat.start != id.start:
                return 0
            keep = len(self._files) < resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE
            if keep:
                self._files[id] = file
            return stat.rss
        finally:
            if not keep:
                os.close(file)
