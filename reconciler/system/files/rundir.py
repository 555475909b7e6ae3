"""The run directory: what is needed to run, and means nothing after a boot.

Root's is ``/run/recon``, where no program of another user takes anything away. A user's is below
``XDG_RUNTIME_DIR``, which is cleared away when that user logs out while the programs run on: so it
is only where nothing else is available.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path("/run/recon")


def run_dir(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Its path, existing or not; None for a user without one."""
    uid = os.geteuid()
    if uid == 0:
        return ROOT
    for place in (environ.get("XDG_RUNTIME_DIR"), f"/run/user/{uid}"):
        if place and os.path.isabs(place) and _is_own(place, uid):
            return Path(place) / "recon"
    return None


def made(folder: Path) -> Path:
    """The folder, made where it was not, for others to pass through at most. OSError."""
    for one in (*reversed(folder.parents), folder):
        if not one.exists():
            one.mkdir(mode=0o755, exist_ok=True)
    return folder


def _is_own(place: str, uid: int) -> bool:
    try:
        status = os.stat(place)
    except OSError:
        return False
    return status.st_uid == uid and not status.st_mode & 0o022
