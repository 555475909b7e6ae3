"""One controller per state directory.

The lock is a ``flock`` on a descriptor that is close-on-exec. A child between fork and exec has
it too, so the kernel gives the lock to the next controller only when every such child has become
its program, tag in place: the next one cannot scan too early and start a second copy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class LockHeldError(Exception):
    """Another controller runs; ``pid`` is what it wrote into the file, if anything."""

    def __init__(self, path: Path, pid: str) -> None:
        self.pid = pid
        holder = f"pid {pid}" if pid else "another process"
        super().__init__(f"a controller already runs on this state directory ({holder}, {path})")


def acquire(path: Path) -> int:
    """Take the lock; keep the returned descriptor as long as the controller lives. OSError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise LockHeldError(path, pid) from None
        if is_at(descriptor, path):
            break
        os.close(descriptor)  # it was removed meanwhile: another may hold the one that is there
    with contextlib.suppress(OSError):  # a full disk: the number only helps people
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def acquire_all(*paths: Path | None) -> list[int]:
    """Take the locks in the directories that can be written; None stands for one that is not.

    The run directory's holds where the state directory was removed, the state directory's keeps
    out a controller of release 0.1.0. OSError where none can be taken.
    """
    held: list[int] = []
    fault: OSError | None = None
    for path in paths:
        try:
            if path is not None:
                held.append(acquire(path))
        except LockHeldError:
            for descriptor in held:
                os.close(descriptor)
            raise
        except OSError as error:
            fault = error
    if not held and fault is not None:
        raise fault
    return held


def is_at(descriptor: int, path: Path) -> bool:
    """Whether the file that is open is the one of this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def is_held(path: Path) -> bool:
    """Whether a controller holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
