"""Which program boots this host and keeps its services: systemd, OpenRC, or none that we know."""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple


class InitSystem(NamedTuple):
    """``name`` is "systemd", "openrc", or what PID 1 calls itself (``known`` is False then)."""

    name: str
    known: bool
    version: int = 0
    """Of systemd; 0 where it cannot be told."""


def init_system(root: str = "/") -> InitSystem:
    """What runs here now, as sd_booted(3) and OpenRC's own scripts find out."""
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        return InitSystem("systemd", True, systemd_version())
    if os.path.isdir(os.path.join(root, "run/openrc")):
        return InitSystem("openrc", True)
    try:
        with open(os.path.join(root, "proc/1/comm"), encoding="utf-8") as file:
            return InitSystem(file.read().strip(), False)
    except OSError:
        return InitSystem("unknown", False)


def systemd_version() -> int:
    """Of the systemd that is installed, whether it runs or not; 0 where there is none."""
    try:
        done = subprocess.run(
            ["systemctl", "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"systemd (\d+)", done.stdout)
    return int(found[1]) if found else 0
