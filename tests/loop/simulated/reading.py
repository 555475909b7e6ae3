"""Reading without threads and workers: at once, or when a test says so, and noted.

In the place of ``Reader``, ``Watcher``, ``Hints`` and ``Workers``, whose own tests have real files,
threads and processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.watched.treetask import Found, Refused

R = TypeVar("R")


class ReaderAtOnce:
    """Makes each look in the loop, on a draft as the real one does."""

    def __init__(self, loop: object, answers: object, store: ManifestStore) -> None:
        self.store = store
        self.looks = 0
        self.fails: Exception | None = None
        """What the next look raises."""

    async def look(self, work: Callable[[ManifestStore], R]) -> R:
        self.looks += 1
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        draft = self.store.draft()
        result = work(draft)
        self.store = draft
        return result

    def close(self) -> None:
        pass


class ToldWatcher:
    """Hears what a test tells it."""

    def __init__(
        self,
        root: Path,
        loop: object,
        answers: object,
        on_paths: Callable[[set[Path]], None],
        on_scan: Callable[[], None],
    ) -> None:
        self.tell, self.tell_all = on_paths, on_scan
        self.files: set[str] = set()
        self.folders: set[str] = {str(root)}
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens in a fresh folder before it is watched."""

    def watch(
        self, folders: Iterable[str], files: Iterable[str], then: Callable[[bool], None]
    ) -> None:
        fresh = {*folders} - self.folders
        self.files, self.folders = {*files}, self.folders | fresh
        if fresh:
            self.meanwhile()
        then(bool(fresh))

    def look_after(self) -> None:
        pass

    def close(self) -> None:
        pass


class ToldHints:
    """As ``Hints``: folders are watched at once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        answers: object,
        on_paths: Callable[[set[str]], None],
        on_all: Callable[[], None],
        **others: Any,
    ) -> None:
        self._loop = loop
        self.tell, self.tell_all = on_paths, on_all
        self.folders: set[str] = set()
        self.files: set[str] = set()

    def watch(
        self,
        folders: Iterable[str],
        files: Iterable[str] = (),
        then: Callable[[bool], None] = lambda fresh: None,
    ) -> None:
        fresh = not {*folders} <= self.folders
        self.folders, self.files = {*folders}, {*files}
        self._loop.call_soon(then, fresh)

    def also(self, folders: Iterable[str], then: Callable[[bool], None]) -> None:
        fresh = not {*folders} <= self.folders
        self.folders |= {*folders}
        self._loop.call_soon(then, fresh)

    def has(self, folder: str) -> bool:
        return folder in self.folders

    def look_after(self) -> None:
        pass

    def close(self) -> None:
        pass


class Looks:
    """In the place of ``Workers``: what is in watched files is what a test says."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.digests: dict[str, str] = {}
        """By watched path: what is in it."""
        self.folders: frozenset[str] = frozenset()
        self.discovered: set[str] = set()
        """What is found below paths that have come to be."""
        self.lasts = 0.0
        """Seconds that a look takes."""
        self.trouble: Exception | Refused | None = None
        self.asked: list[tuple[float, str]] = []
        """When which app was looked at."""
        self.forgotten: list[str] = []

    def call(self, task: str, argument: Any, *, owner: str, **others: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if task.endswith(":discover"):
            future.set_result({*self.discovered})
            return future
        self.asked.append((self._loop.time(), owner))
        self._loop.call_later(self.lasts, self._answer, future)
        return future

    def forget(self, owner: str) -> None:
        self.forgotten.append(owner)

    def close(self) -> None:
        pass

    def _answer(self, future: asyncio.Future[Any]) -> None:
        if future.done():
            return
        if isinstance(self.trouble, Exception):
            future.set_exception(self.trouble)
        elif self.trouble is not None:
            future.set_result(self.trouble)
        else:
            changed = ("src/a.js",)
            future.set_result(Found({**self.digests}, changed, 1, self.folders))
