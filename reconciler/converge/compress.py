"""Rotated logs are compressed beside the event loop, in the one thread the controller has.

A file becomes ``<name>.gz`` by a rename, and only then is the original removed: killed at any
point, the next ``tidy`` finds what is left to do. Work waits a few seconds after a rotation,
because under a flood most files are removed by the next rotations anyway.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import threading
from pathlib import Path

from reconciler.converge import safefile

DELAY = 3.0
"""Seconds from a rotation to its compression."""
_LEVEL = 4  # twice as fast as the default of 9, for a few per cent in size
_BLOCK = 2**18


def tidy(directory: Path) -> None:
    """Compress the rotated logs in ``directory`` and remove what an interrupted run left."""
    try:
        with safefile.held(directory) as folder:
            _tidy(folder)
    except OSError:  # gone, or not to be trusted: so are its logs
        return


def _tidy(folder: Path) -> None:
    for leftover in folder.glob("*.log.*.gz.tmp"):
        leftover.unlink(missing_ok=True)
    for file in sorted(folder.glob("*.log.????????-??????-??????"), reverse=True):
        try:
            compress(file)
        except OSError:  # removed meanwhile, or no room: it stays as it is until the next time
            file.with_name(file.name + ".gz.tmp").unlink(missing_ok=True)


def compress(file: Path) -> None:
    """Replace ``file``, in a folder that is held, by ``file.gz``. OSError: it is as it was."""
    packed, partial = (file.with_name(file.name + end) for end in (".gz", ".gz.tmp"))
    if not os.path.lexists(packed):
        with open(safefile.read(file), "rb") as source:
            made = safefile.create(partial, safefile.owner_of(source.fileno()))
            with open(made, "wb") as raw, gzip.open(raw, "wb", compresslevel=_LEVEL) as target:
                shutil.copyfileobj(source, target, _BLOCK)
        partial.rename(packed)
    try:
        file.unlink()
    except FileNotFoundError:  # pruned while it was being read
        packed.unlink(missing_ok=True)


class Compressor:
    """Runs ``tidy`` on directories, one after the other, some seconds after it is asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wanted: set[Path] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None

    def request(self, directory: Path) -> None:
        """Have ``directory`` tidied soon."""
        self._wanted.add(directory)
        if self._timer is None:
            self._timer = self._loop.call_later(DELAY, self._start)

    def _start(self) -> None:
        self._timer = None
        if self._thread is not None and self._thread.is_alive():
            self._timer = self._loop.call_later(DELAY, self._start)
            return
        directories, self._wanted = sorted(self._wanted), set()
        # A daemon: an exit of the controller need not wait, since the next one takes over.
        self._thread = threading.Thread(target=_tidy_all, args=(directories,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _tidy_all(directories: list[Path]) -> None:
    for directory in directories:
        tidy(directory)
