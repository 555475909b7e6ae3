"""The generator, at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from e2e.site.stage import stage


def build(folder: Path) -> Path:
    """The site below ``folder``; AssertionError where the generator has a warning."""
    config = stage(folder)
    command = [
        str(Path(sys.executable).with_name("zensical")),
        "build",
        "--strict",
        "-f",
        str(config),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "arning" not in output, output
    return folder / "site"
