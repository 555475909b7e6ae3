"""Rotated logs are compressed, and removed, beside the event loop, in the controller's one thread.

A file becomes ``<name>.gz`` (or ``.zst``) by a rename, and only then is the original removed:
killed at any point, the next ``tidy`` finds what is left to do. Work waits a few seconds after a
rotation, because under a flood most files are removed by the next rotations anyway.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from pathlib import Path

from reconciler.logs.format import frames
from reconciler.logs.write import logfile
from reconciler.model.spec.logs import Rotate
from reconciler.model.words import logname
from reconciler.system.files import safe_files
from reconciler.system.work import threads

DELAY = 3.0
"""Seconds from a rotation to its compression."""
_PARTIAL = ".tmp"
_MOST = 16 << 30
"""Bytes of a log that is compressed."""
_DENSEST = 128
"""No file system packs text better: a file above that is sparse, and not a log."""


def tidy(place: str, rotate: Rotate) -> None:
    """Do with the rotated files of the logs at ``place`` (``logname``) what ``rotate`` says."""
    try:
        with safe_files.held(Path(place).parent) as folder:
            _tidy(folder, place, rotate)
    except OSError:  # gone, or not to be trusted: so are its logs
        return


def _tidy(folder: Path, place: str, rotate: Rotate) -> None:
    """Removes as well what an interrupted run left."""
    logs: set[str] = set()
    for name in os.listdir(folder):
        parsed = logname.parse(place, name.removesuffix(_PARTIAL))
        if parsed is not None and parsed.when:
            logs.add(parsed.log)
            if parsed.packed and name.endswith(_PARTIAL):
                (folder / name).unlink(missing_ok=True)
    for log in sorted(logs):
        path = folder / log
        logfile.prune(path, rotate.keep, logfile.oldest_kept(rotate, time.time()))
        for file in reversed(logfile.rotated(path) if rotate.compress else []):
            if file.suffix not in logname.PACKED:
                _try_to_compress(file)


def _try_to_compress(file: Path) -> None:
    try:
        compress(file)
    except OSError:  # removed meanwhile, or no room: it stays as it is until the next time
        file.with_name(f"{file.name}{frames.suffix()}{_PARTIAL}").unlink(missing_ok=True)


def compress(file: Path) -> None:
    """Replace ``file``, in a folder that is held, by ``file.gz``. OSError: it is as it was."""
    packed = file.with_name(file.name + frames.suffix())
    partial = packed.with_name(packed.name + _PARTIAL)
    if not os.path.lexists(packed):
        with open(safe_files.read(file), "rb") as source:
            _check_size(os.fstat(source.fileno()))
            made = safe_files.create(partial, safe_files.owner_of(source.fileno()))
            with open(made, "wb") as target:
                frames.pack(source, target)
                status = os.fstat(source.fileno())
                os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
        partial.rename(packed)
    try:
        file.unlink()
    except FileNotFoundError:  # pruned while it was being read
        packed.unlink(missing_ok=True)


def _check_size(status: os.stat_result) -> None:
    """OSError where this is not a log, but a file that an app has put beside its logs."""
    if status.st_size > min(_MOST, (status.st_blocks + 8) * 512 * _DENSEST):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


class Compressor:
    """Runs ``tidy`` on places, one after the other, some seconds after it is asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rotations: dict[str, Rotate] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    def request(self, place: str, rotate: Rotate) -> None:
        """Have the logs at ``place`` tidied soon."""
        self._rotations[place] = rotate
        if self._timer is None:
            self._timer = self._loop.call_later(DELAY, self._start)

    def _start(self) -> None:
        self._timer = None
        if self._thread is not None and self._thread.is_alive():
            self._timer = self._loop.call_later(DELAY, self._start)
            return
        # A daemon: an exit of the controller need not wait, since the next one takes over.
        try:
            self._thread = threads.start(_tidy_all, (self._rotations,), name="compressor")
        except OSError:  # no more threads just now
            self._timer = self._loop.call_later(DELAY, self._start)
            return
        self._rotations = {}

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _tidy_all(rotations: dict[str, Rotate]) -> None:
    for place, rotate in rotations.items():
        tidy(place, rotate)
