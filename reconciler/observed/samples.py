"""What instances use, for ``status``: resident memory and processor time, from ``/proc``.

Measured when asked, never in the background. An instance is its whole tree: the main process
and all that carry its tag.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.model.observed import Process, ProcessId
from reconciler.observed import procfs
from reconciler.observed.clock import boot_now, ticks_to_seconds

_PAGE = os.sysconf("SC_PAGE_SIZE")


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


def sample(
    processes: Iterable[Process], before: Mapping[str, Sample] | None = None
) -> dict[str, Sample]:
    """By nonce; one that has ended is missing. ``before``: what an earlier call returned."""
    found = {}
    for process in processes:
        taken = _sample(process, (before or {}).get(process.tag.nonce))
        if taken is not None:
            found[process.tag.nonce] = taken
    return found


def _sample(process: Process, before: Sample | None) -> Sample | None:
    main = _use(process.id)
    if main is None:
        return None
    uses = [main, *(use for id in process.stragglers if (use := _use(id)) is not None)]
    seconds = sum(use[1] for use in uses)
    now = boot_now()
    uptime = max(0.0, now - process.started_at)
    used, during = seconds, uptime
    # Less than before: a worker has ended, and its time went with it.
    if before is not None and before.at < now and before.cpu_seconds <= seconds:
        used, during = seconds - before.cpu_seconds, now - before.at
    cpu = 100 * used / during if during > 0 else 0.0
    return Sample(sum(use[0] for use in uses) * _PAGE, cpu, uptime, seconds, now)


def _use(id: ProcessId) -> tuple[int, float] | None:
    """Resident pages and seconds of processor time; None where the process is gone."""
    fields = procfs.stat_fields(id.pid)
    if len(fields) < 22 or int(fields[19]) != id.start:
        return None
    # utime, stime, cutime, cstime; rss: fields 14 to 17 and 24 of proc(5).
    return int(fields[21]), ticks_to_seconds(sum(map(int, fields[11:15])))
