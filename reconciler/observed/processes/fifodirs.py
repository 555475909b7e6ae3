"""Where the output FIFOs of a store lie: in memory where root has such a place, else on disk.

The bytes in a FIFO are the kernel's, wherever it lies; only its name takes room in a file system.
On ext4 that costs 17 µs, and 500 µs where thousands of files were removed within the last minute,
as in a deploy: the numbers of those are passed over one by one. Twice that is more than all the
rest of a start. In memory it is 5 µs, always.

By rule and not by record, so that a controller whose state directory was removed looks in the same
places. Only for root: /run is root's, and out of /dev/shm (in a container /run is on disk as a
rule) no other user takes what is root's. What an ordinary user has in memory is cleared away when
that user logs out, while the programs run on.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.observed.host.machine import kind_of

_PLACES = ("/run", "/dev/shm")


def fifo_dirs(state_dir: os.PathLike[str] | str, store: str) -> tuple[str, ...]:
    """The folders, made or not, the best one first; as ``/proc`` names them.

    The last one is the state directory's. There lie those of an earlier release, too.
    """
    memory = []
    for place in _PLACES if _for_root() else ():
        path = f"{place}/recon-{store}"
        if kind_of(Path(place)) == "tmpfs" and _is_free(path):
            memory.append(path)
    return (*memory, os.path.join(os.path.realpath(state_dir), "fifo"))


def _for_root() -> bool:
    return os.geteuid() == 0


def _is_free(path: str) -> bool:
    """Whether the folder belongs to recon alone, or can: one of another user is not used."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o022
    )
