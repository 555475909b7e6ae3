"""Names of logs that are not files: devices, descriptors, what is mounted for the kernel to
show."""

from __future__ import annotations

import os
import stat

_PLACES = ("/dev/", "/proc/", "/sys/")


def is_no_file(path: str) -> bool:
    """Whether an absolute path leads, or would lead, to something that cannot be rotated."""
    whole = f"{os.path.normpath(path)}/"
    if whole.startswith(_PLACES) and not whole.startswith("/dev/shm/"):  # that is memory
        return True
    try:
        found = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(found)
