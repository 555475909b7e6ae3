"""The clock of observed state: boot seconds, and how they relate to ticks and to the wall.

A process is (boot id, pid, start): the start is told in ticks since boot, suspend included, which
is the clock read here. See ``model`` for why nothing else inside recon uses wall time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
"""Clock ticks in a second, the unit of times in ``/proc/PID/stat``."""


def boot_id(proc: Path = Path("/proc")) -> str:
    """The kernel's random name of this boot. OSError where it cannot be read."""
    return (proc / "sys/kernel/random/boot_id").read_text().strip()


def boot_now() -> float:
    """Seconds since boot, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def ticks_to_seconds(ticks: int) -> float:
    """A start time of ``/proc/PID/stat`` in boot seconds."""
    return ticks / TICKS


def wall_of(boot_seconds: float) -> float:
    """Seconds since 1970 at ``boot_seconds``, by what the wall clock says now."""
    return time.time() - (boot_now() - boot_seconds)
