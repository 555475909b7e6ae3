"""Hints that files changed: which paths to look at again. Never what happened to them.

The kernel's inotify descriptor stands in the event loop, so that waiting costs nothing. The
watchfiles library looks at its change set 1,000/step times a second (measured: 50 wake-ups a
second and 0.4 % of a core at the step that our latency needs), so it serves where inotify cannot:
on file systems without it, or when the user's watches are used up.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from inotify_simple import INotify, flags

_MASK = (
    flags.CLOSE_WRITE
    | flags.CREATE
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.ATTRIB
    | flags.DELETE_SELF
    | flags.MOVE_SELF
)
# Folder came, went or moved; or events were lost: only a scan can tell what is there now.
_SCAN = flags.ISDIR | flags.DELETE_SELF | flags.MOVE_SELF | flags.Q_OVERFLOW | flags.UNMOUNT
_POLL_MS = 1_000


class Watcher:
    """Watches folders (all below ``root``) and single files' folders, calling back with hints."""

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        on_paths: Callable[[set[Path]], None],
        on_scan: Callable[[], None],
    ) -> None:
        self._root = root
        self._loop = loop
        self._on_paths = on_paths
        self._on_scan = on_scan
        self._folders: dict[int, Path] = {}
        self._files: frozenset[Path] = frozenset()
        self._below: set[Path] = set()
        self._inotify: INotify | None = None
        self._fallback: asyncio.Task[None] | None = None

    def watch(self, files: Iterable[Path] = ()) -> None:
        """(Re)build the set of watched folders: all below the root, and those of ``files``."""
        if self._fallback is not None:
            return
        self._files = frozenset(files)
        self._below = self._below_root()
        try:
            self._add(self._below | {self._root.parent} | {file.parent for file in self._files})
        except OSError:
            self._fall_back()

    def close(self) -> None:
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None
        if self._fallback is not None:
            self._fallback.cancel()

    def _below_root(self) -> set[Path]:
        found: set[Path] = set()
        seen: set[tuple[int, int]] = set()
        for folder, folders, _ in os.walk(self._root, followlinks=True):
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders[:] = [name for name in folders if not name.startswith(".")]
            found.add(Path(folder))
        return found

    def _add(self, wanted: set[Path]) -> None:
        if self._inotify is None:
            self._inotify = INotify(nonblocking=True)
            self._loop.add_reader(self._inotify.fileno(), self._readable)
        folders: dict[int, Path] = {}
        for folder in wanted:
            try:
                folders[self._inotify.add_watch(folder, _MASK)] = folder
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue  # the next scan tells
        for gone in self._folders.keys() - folders.keys():
            try:
                self._inotify.rm_watch(gone)
            except OSError:
                pass  # its folder is gone, and the watch with it
        self._folders = folders

    def _readable(self) -> None:
        assert self._inotify is not None
        paths: set[Path] = set()
        scan = False
        for event in self._inotify.read(timeout=0):
            folder = self._folders.get(event.wd)
            if folder is None:
                scan = scan or bool(event.mask & flags.Q_OVERFLOW)
                continue
            path = folder / event.name
            if folder in self._below:
                scan = scan or bool(event.mask & _SCAN)
                paths.add(path)
            elif path in self._files:
                paths.add(path)
            elif path == self._root:  # its parent tells that the root came, went or was swapped
                scan = True
        if paths:
            self._on_paths(paths)
        if scan:
            self._on_scan()

    def _fall_back(self) -> None:
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None
        self._fallback = self._loop.create_task(self._poll())

    async def _poll(self) -> None:
        from watchfiles import awatch  # noqa: PLC0415  4 MiB that only this fallback needs

        while True:
            self._on_scan()
            try:
                async for changes in awatch(
                    self._root, force_polling=True, poll_delay_ms=_POLL_MS, step=_POLL_MS
                ):
                    self._on_paths({Path(path) for _, path in changes})
                    self._on_scan()
            except OSError:
                pass  # the root is not there
            await asyncio.sleep(_POLL_MS / 1000)
