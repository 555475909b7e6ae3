"""What instances use: resident memory and processor time, from ``/proc/PID/stat``.

An instance is its whole tree: the main process and all that carry its tag.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from reconciler.model.host.procstat import ProcStat
from reconciler.model.state.observed import Process, ProcessId
from reconciler.system import procfs
from reconciler.system.clock import boot_now, ticks_to_seconds

PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """What one instance uses."""

    rss: int
    """Bytes; pages that its processes share count once for each."""
    cpu: float
    """Percent of one core: since the sample before, else since the instance started."""
    uptime: float
    """Seconds."""
    cpu_seconds: float
    """Processor time of the processes that live, with the children that they waited for."""
    at: float
    """When it was taken, boot seconds."""
    each: tuple[tuple[int, int], ...] = ()
    """Pid, and clock ticks of its own, of every process."""
    busiest: float = 0.0
    """Percent of one core that the busiest process used by itself since the sample before."""


def sample(
    processes: Iterable[Process], before: Mapping[str, Sample] | None = None
) -> dict[str, Sample]:
    """By nonce; one that has ended is missing. ``before``: what an earlier call returned."""
    found = {}
    for process in processes:
        main = procfs.stat(process.id.pid)
        if main is not None and main.start == process.id.start:
            earlier = (before or {}).get(process.tag.nonce)
            found[process.tag.nonce] = sample_of(process, main, earlier)
    return found


def sample_of(
    process: Process, main: ProcStat, before: Sample | None = None, proc: str = procfs.PROC
) -> Sample:
    """The sample of one instance, of whose main process the stat line is at hand."""
    ticks, rss = main.ticks + main.waited_ticks, main.rss
    each: tuple[tuple[int, int], ...] = ((main.pid, main.ticks),)
    if process.stragglers:
        others = [*_alive(process.stragglers, proc)]
        ticks += sum(other.ticks + other.waited_ticks for other in others)
        rss += sum(other.rss for other in others)
        each += tuple((other.pid, other.ticks) for other in others)
    now, seconds = boot_now(), ticks_to_seconds(ticks)
    uptime = max(0.0, now - process.started_at)
    used, during = seconds, uptime
    # Less than before: a worker has ended, and its time went with it.
    if before is not None and before.at < now and before.cpu_seconds <= seconds:
        used, during = seconds - before.cpu_seconds, now - before.at
    cpu = 100 * used / during if during > 0 else 0.0
    busiest = 0.0
    if before is not None and before.at < now:
        busiest = 100 * ticks_to_seconds(_most(each, before.each)) / (now - before.at)
    return Sample(rss * PAGE, cpu, uptime, seconds, now, each, busiest)


def at_rest(process: Process, before: Sample) -> Sample:
    """The sample of an instance of one process that has done nothing since the sample before."""
    now = boot_now()
    uptime = max(0.0, now - process.started_at)
    return Sample(before.rss, 0.0, uptime, before.cpu_seconds, now, before.each)


def _alive(ids: Iterable[ProcessId], proc: str) -> Iterator[ProcStat]:
    for id in ids:
        found = procfs.stat(id.pid, proc)
        if found is not None and found.start == id.start:
            yield found


def _most(each: tuple[tuple[int, int], ...], before: tuple[tuple[int, int], ...]) -> int:
    """The most clock ticks that one process took."""
    if len(each) == 1 and before[:1] and before[0][0] == each[0][0]:
        return max(0, each[0][1] - before[0][1])
    known = dict(before)
    return max(0, *(ticks - known.get(pid, ticks) for pid, ticks in each))
