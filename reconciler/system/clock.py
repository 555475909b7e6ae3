"""The clock of observed state: boot seconds, and how they relate to ticks and to the wall.

A process is (boot id, pid, start): the start is told in ticks since boot, suspend included, which
is the clock read here. See ``model`` for why nothing else inside recon uses wall time.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.model.state.walltime import WallTime

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second, the unit of times in ``/proc/PID/stat``."""


_STEP = 1.0
"""Seconds: less is NTP, which keeps the clock right."""
_ZONE_HOLDS = 1.0
"""Seconds until the host is asked for its time zone again."""


def boot_id(proc: Path = Path("/proc")) -> str:
    """The kernel's random name of this boot. OSError where it cannot be read."""
    return (proc / "sys/kernel/random/boot_id").read_text().strip()


def boot_now() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall_time() -> WallTime:
    """How the wall clock reads now, when it was last set forward, and the host's time zone."""
    return _steps.look(wall_of(0.0), boot_now())


class _Steps:
    """Sees that the wall clock is set forward between two looks; one that is set back shows by
    itself. Looks are a minute apart at most where there is any schedule (``restarting.LOOK``)."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._forward = 0.0
        self._forward_at: float | None = None
        self._zone = ""
        self._zone_until = float("-inf")

    def look(self, offset: float, now: float) -> WallTime:
        if self._offset is not None and offset - self._offset > _STEP:
            self._forward, self._forward_at = offset - self._offset, now
        self._offset = offset
        if now >= self._zone_until:  # each pass of the loop asks
            self._zone, self._zone_until = local_zone(), now + _ZONE_HOLDS
        return WallTime(offset, self._zone, self._forward, self._forward_at)


_steps = _Steps()


def local_zone(etc: Path = Path("/etc")) -> str:
    """The host's time zone by its name in the tz database: $TZ, /etc/localtime, /etc/timezone.

    UTC where none of them names one.
    """
    return next((name for name in _named_zones(etc) if name and is_zone(name)), "UTC")


def _named_zones(etc: Path) -> Iterator[str]:
    yield os.environ.get("TZ", "").lstrip(":")
    try:
        yield os.readlink(etc / "localtime").partition("zoneinfo/")[2]
    except OSError:
        pass
    try:
        yield (etc / "timezone").read_text().strip()
    except OSError:
        pass


@functools.cache
def is_zone(name: str) -> bool:
    """Whether the tz database knows this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def ticks_to_seconds(ticks: int) -> float:
    """A start time of ``/proc/PID/stat`` in boot seconds."""
    return ticks / TICKS


def wall_of(boot_seconds: float) -> float:
    """Seconds since 1970 at ``boot_seconds``, by what the wall clock says now."""
    return time.time() - (boot_now() - boot_seconds)
