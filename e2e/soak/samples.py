"""What a controller holds at one moment, read from ``/proc`` and its directories."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from e2e.harness import Recon


class Series(NamedTuple):
    """One thing that is measured, and what it may rise by over the second half."""

    name: str
    unit: str
    least: float
    share: float


SERIES = (
    Series("descriptors", "", 3, 0.02),
    Series("threads", "", 1, 0.0),
    Series("children of its own", "", 1, 0.0),
    Series("private memory", "KiB", 768, 0.015),
    Series("PSS", "KiB", 768, 0.015),
    Series("RSS", "KiB", 768, 0.015),
    Series("PSS of its children", "KiB", 1024, 0.03),
    Series("state directory", "KiB", 256, 0.02),
    Series("journal", "KiB", 256, 0.02),
    Series("logs", "KiB", 256, 0.05),
    Series("files in the state directory", "", 6, 0.02),
    Series("FIFOs", "", 3, 0.02),
    Series("inotify watches", "", 3, 0.02),
    Series("entries in /dev/shm and /run", "", 3, 0.02),
)


def sample(recon: Recon, pid: int) -> dict[str, float]:
    """A value for each of ``SERIES``."""
    own = _own_children(pid)
    state = _sizes(recon.state)
    logs = sum(size for path, size in state.items() if "/logs/" in path)
    journal = sum(size for path, size in state.items() if "/recon.db" in path)
    memory = _memory(pid)
    fifos, beside = _entries(recon)
    return {
        "descriptors": len(_listed(f"/proc/{pid}/fd")),
        "threads": len(_listed(f"/proc/{pid}/task")),
        "children of its own": len(own),
        "private memory": memory["Private_Clean"] + memory["Private_Dirty"],
        "PSS": memory["Pss"],
        "RSS": memory["Rss"],
        "PSS of its children": sum(_memory(child)["Pss"] for child in own),
        "state directory": sum(state.values()) / 1024,
        "journal": journal / 1024,
        "logs": logs / 1024,
        "files in the state directory": len(state),
        "FIFOs": fifos,
        "inotify watches": _watches(pid),
        "entries in /dev/shm and /run": beside,
    }


def processor_seconds(pid: int) -> float:
    """User and system time of a process and of the children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _own_children(pid: int) -> list[int]:
    """Processes below the controller that are recon's own: without the tag of an instance."""
    found, waiting = [], [pid]
    while waiting:
        for task in _listed(f"/proc/{(parent := waiting.pop())}/task"):
            for child in map(int, _read(f"/proc/{parent}/task/{task}/children").split()):
                if b"RECON_ID=" not in _read(f"/proc/{child}/environ"):
                    found.append(child)
                    waiting.append(child)
    return found


def _memory(pid: int) -> dict[str, int]:
    """The summed mappings, KiB; 0 each where the process is gone."""
    found = re.findall(rb"^(\w+):\s+(\d+) kB", _read(f"/proc/{pid}/smaps_rollup"), re.M)
    absent = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty"), 0)
    return absent | {name.decode(): int(value) for name, value in found}


def _watches(pid: int) -> int:
    infos = (_read(f"/proc/{pid}/fdinfo/{fd}") for fd in _listed(f"/proc/{pid}/fdinfo"))
    return sum(info.count(b"inotify wd:") for info in infos)


def _sizes(root: Path) -> dict[str, int]:
    """What each file takes on disk, by its path."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            try:
                found[path] = os.lstat(path).st_blocks * 512
            except FileNotFoundError:
                continue
    return found


def _entries(recon: Recon) -> tuple[int, int]:
    """FIFOs of the store; and everything that it has outside of its state directory."""
    every = [entry for folder in recon.fifos for entry in _listed(folder)]
    beside = [entry for folder in recon.fifos[:-1] for entry in _listed(folder)]
    return len(every), len(beside)


def _listed(path: str | Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
