"""What a process has cost so far: CPU, wake-ups, memory; read from ``/proc``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import psutil


class Memory(NamedTuple):
    """MiB: resident, its share of what is shared, its own alone."""

    rss: float
    pss: float
    uss: float


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads, from the scheduler's own count (ns)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def sleeps(pid: int) -> int:
    """How often it has gone to sleep of its own will, and so was woken."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    pattern = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.M)
    found = (pattern.search((task / "status").read_text()) for task in tasks)
    return sum(int(match[1]) for match in found if match)


def memory(pid: int) -> Memory:
    found = psutil.Process(pid).memory_full_info()
    return Memory(found.rss / 2**20, found.pss / 2**20, found.uss / 2**20)
