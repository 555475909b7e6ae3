"""The machine and the versions that the figures belong to."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def describe(home: Path) -> dict[str, Any]:
    """For the table's foot and the JSON."""
    processor = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.M)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "processor": processor[1] if processor else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memoryMiB": int(total[1]) // 1024 if total else None,
        "python": platform.python_version(),
        "filesystem": filesystem(home),
        "load": load(),
        "peers": versions(),
    }


def versions() -> dict[str, str]:
    """Of the peers that are installed, as far as they say it."""
    asked = {
        "supervisord": ["supervisord", "--version"],
        "Node": ["node", "--version"],
        "runit": ["dpkg-query", "-W", "-f", "${Version}", "runit"],
        "s6": ["dpkg-query", "-W", "-f", "${Version}", "s6"],
    }
    found = _pm2()
    for name, command in asked.items():
        if installed(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            if done.returncode == 0 and (lines := done.stdout.split()):
                found[name] = lines[-1].removeprefix("v")
    return found


def _pm2() -> dict[str, str]:
    """From its package: ``pm2 --version`` would start a daemon, and leave it behind."""
    program = shutil.which("pm2")
    package = Path(program).resolve().parents[1] / "package.json" if program else None
    if package is None or not package.exists():
        return {}
    return {"PM2": json.loads(package.read_text())["version"]}


def load() -> list[float]:
    """The load averages; above what the benchmark itself makes, others disturb it."""
    return [round(value, 2) for value in os.getloadavg()]


def filesystem(path: Path) -> str:
    """The type of the file system below ``path``."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if str(path).startswith(mount) and len(mount) > len(best[0]):
            best = (mount, kind)
    return best[1]


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def installed(*programs: str) -> bool:
    """Whether all of these are in the PATH."""
    return all(shutil.which(program) for program in programs)
