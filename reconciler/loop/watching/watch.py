"""Hints that manifests, or files that they refer to, changed: which paths to look at again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.desired.directory.names import is_hidden, is_manifest_name
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.hints import Hints
from reconciler.system.work import door


class Watcher:
    """Watches all folders below ``root`` and the ways to single files, calling back with hints."""

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        answers: Answers,
        on_paths: Callable[[set[Path]], None],
        on_scan: Callable[[], None],
    ) -> None:
        """``on_scan``: folders came, went or moved: only a scan can tell what is there now."""
        self._root = str(root)
        self._on_paths = on_paths
        self._on_scan = on_scan
        self._below: set[str] = set()
        self._files: set[str] = set()
        self._hints = Hints(
            loop, answers, self._heard, on_scan, every_write=False, leave_out=self._leaves_out
        )

    def watch(
        self, folders: Iterable[str], files: Iterable[str], then: Callable[[bool], None]
    ) -> None:
        """Watch the root, these folders below it, and the ways to these files.

        ``then(fresh)``: it is so; in a fresh folder something may have been made before.
        """
        self._below, self._files = {self._root, *folders}, {*files}
        self._hints.watch(self._below, self._files, then)

    @property
    def is_settled(self) -> bool:
        """Whether all is watched that was asked for."""
        return self._hints.is_settled

    def close(self) -> None:
        self._hints.close()

    def look_after(self) -> None:
        """To be called now and then."""
        self._hints.look_after()

    def _heard(self, paths: set[str]) -> None:
        files = set(filter(self._is_file, paths))
        if files:
            self._on_paths(set(map(Path, files)))
        if paths - files:
            self._on_scan()

    def _is_file(self, path: str) -> bool:
        return path in self._files or is_manifest_name(_name(path))

    def _leaves_out(self, path: str) -> bool:
        """Whether there is neither a manifest nor a folder of manifests, as what an editor puts
        beside a file. Asked in the thread of the hints."""
        if path in self._below or self._is_file(path):
            return False
        return is_hidden(_name(path)) or not door.is_folder(path)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
