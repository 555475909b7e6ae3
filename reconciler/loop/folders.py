"""Hints that something below watched folders may have changed. Never what.

One inotify descriptor in the event loop for all. Where the user's watches are used up (or the file
system has none) everything is looked at every other second instead, which costs a ``stat`` a file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

from inotify_simple import INotify, flags

_MASK = (
    flags.MODIFY  # a large file on its way: nothing has settled yet
    | flags.CLOSE_WRITE
    | flags.CREATE
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.ATTRIB
    | flags.DELETE_SELF
    | flags.MOVE_SELF
)
_POLL = 2.0
"""Seconds between two looks without inotify."""


class Folders:
    """``on_path(path)``: look there again; ``on_all()``: anywhere."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_path: Callable[[str], None],
        on_all: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._on_path = on_path
        self._on_all = on_all
        self._inotify: INotify | None = None
        self._watched: dict[str, int] = {}
        self._by_number: dict[int, str] = {}
        self._poll: asyncio.TimerHandle | None = None

    def watch(self, folders: Iterable[str]) -> None:
        """Watch exactly these."""
        wanted = set(folders)
        self.also(wanted)
        for folder in self._watched.keys() - wanted:
            self._drop(folder)

    def also(self, folders: Iterable[str]) -> None:
        """Watch these, too."""
        if self._poll is not None:
            return
        try:
            for folder in folders:
                if folder not in self._watched:
                    self._add(folder)
        except OSError:
            self._fall_back()

    def has(self, folder: str) -> bool:
        """Whether what happens in it is heard."""
        return self._poll is not None or folder in self._watched

    def close(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()
            self._inotify = None

    def _add(self, folder: str) -> None:
        if self._inotify is None:
            self._inotify = INotify(nonblocking=True)
            self._loop.add_reader(self._inotify.fileno(), self._readable)
        try:
            number = self._inotify.add_watch(folder, _MASK)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return  # the next look tells
        self._watched[folder] = number
        self._by_number[number] = folder

    def _drop(self, folder: str) -> None:
        number = self._watched.pop(folder)
        # Two names of one folder have one watch.
        if self._by_number.get(number) != folder or self._inotify is None:
            return
        del self._by_number[number]
        try:
            self._inotify.rm_watch(number)
        except OSError:
            pass  # the folder is gone, and the watch with it

    def _readable(self) -> None:
        assert self._inotify is not None
        paths = set()
        for event in self._inotify.read(timeout=0):
            folder = self._by_number.get(event.wd)
            if folder is None:
                if event.mask & flags.Q_OVERFLOW:
                    self._on_all()
                continue
            if event.mask & flags.IGNORED:  # the folder is gone; one of its name may come
                self._watched.pop(folder, None)
                del self._by_number[event.wd]
            elif event.mask & flags.MOVE_SELF:  # and all below it: other folders take their names
                below = folder + os.sep
                for one in [w for w in self._watched if w == folder or w.startswith(below)]:
                    self._drop(one)
            paths.add(os.path.join(folder, event.name) if event.name else folder)
        for path in paths:
            self._on_path(path)

    def _fall_back(self) -> None:
        self.close()
        self._watched.clear()
        self._by_number.clear()
        self._poll = self._loop.call_later(_POLL, self._look)

    def _look(self) -> None:
        self._poll = self._loop.call_later(_POLL, self._look)
        self._on_all()
