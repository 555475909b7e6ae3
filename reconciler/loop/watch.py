"""Hints that manifests, or files that they refer to, changed: which paths to look at again."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.desired.trust import Trust
from reconciler.desired.walk import Walk
from reconciler.loop.folders import Folders


class Watcher:
    """Watches all folders below ``root`` and the ways to single files, calling back with hints."""

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        on_paths: Callable[[set[Path]], None],
        on_scan: Callable[[], None],
    ) -> None:
        """``on_scan``: folders came, went or moved: only a scan can tell what is there now."""
        self._root = str(root)
        self._loop = loop
        self._on_paths = on_paths
        self._on_scan = on_scan
        self._folders = Folders(loop, self._hint, on_scan, every_write=False)
        self._below: set[str] = set()
        self._hinted: set[str] = set()

    def watch(self, files: Iterable[Path] = ()) -> bool:
        """(Re)build the set of what is watched: the folders below the root, and ``files``.

        Whether there are new folders, in which something may have been made meanwhile.
        """
        walk = Walk(Path(self._root), Trust())
        apart = {path for path in walk.files() if _has_other_names(path)}
        self._below = {self._root, *walk.folders}
        return self._folders.watch(self._below, {*apart, *map(str, files)})

    def close(self) -> None:
        self._folders.close()

    def _hint(self, path: str) -> None:
        if not self._hinted:
            self._loop.call_soon(self._tell)
        self._hinted.add(path)

    def _tell(self) -> None:
        """All that came at once, together."""
        hinted, self._hinted = self._hinted, set()
        folders = {path for path in hinted if path in self._below or os.path.isdir(path)}
        files = set(map(Path, hinted - folders))
        if files:
            self._on_paths(files)
        if folders:
            self._on_scan()


def _has_other_names(path: str) -> bool:
    """Whether it may be written where its folder does not hear of that: a link, or a hard link."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) or status.st_nlink > 1
