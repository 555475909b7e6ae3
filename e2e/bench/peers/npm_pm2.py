"""Where PM2 is: in the PATH, else what npm gives, in a folder of the benchmark's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_PACKAGE = "pm2@7"


def program(home: Path) -> str | None:
    """PM2's program; None where npm cannot get it."""
    if found := shutil.which("pm2"):
        return found
    folder = home / "npm-pm2"
    if not folder.exists() and shutil.which("npm"):
        folder.mkdir()
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", _PACKAGE]
        subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False)
    installed = folder / "node_modules/.bin/pm2"
    return str(installed) if installed.exists() else None
