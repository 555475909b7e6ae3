"""When manifests are looked at: some after a hint, and again until they are at rest; all of
them where a file went away, and now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from reconciler.desired.directory.settling import SETTLE
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.files import signature
from reconciler.loop.manifests.reader import Reader
from reconciler.loop.scheduler import Scheduler
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.watch import Watcher
from reconciler.model.state.desired import Desired
from reconciler.system.work.door import UnansweredError

R = TypeVar("R")

# Between the two complete scans that a deletion takes (seconds).
_SCAN_AGAIN = 0.5
# So long has a file not been written that leaves out an app which it declared (nanoseconds).
_AT_REST_NS = 1_000_000_000
# New folders and env files are watched this long after a change (seconds): not on its path.
_WATCH_AGAIN = 1.0
# The safety net behind inotify: at least this many seconds apart, and so rarely that scanning
# takes no more than one thousandth of a core however many manifests there are.
_NET_SECONDS = 20.0
_NET_SHARE = 1000


class Scanned(NamedTuple):
    """What a complete look found."""

    desired: Desired
    settled: frozenset[str]
    """Of the files of what is not declared any more, those that are gone or at rest."""


class ManifestLooks:
    """Calls ``on_refreshed`` with the names that a look at some files concerns, and ``on_scanned``
    after one at all of them; each says whether (another) look at all is needed."""

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        answers: Answers,
        store: ManifestStore,
        scheduler: Scheduler,
        *,
        sources: Callable[[], Mapping[str, str | None]],
        on_refreshed: Callable[[Set[str]], bool],
        on_scanned: Callable[[Scanned], bool],
        on_net: Callable[[], None],
    ) -> None:
        """``sources``: the files that declared what is known. ``on_net`` comes after a scan that
        nothing but the time asked for."""
        answers.listen(self._scan_soon)
        self._loop = loop
        self._reader = Reader(loop, answers, store)
        self._watcher = Watcher(root, loop, answers, self._paths_changed, self._scan_soon)
        self._scheduler = scheduler
        self._sources = sources
        self._on_refreshed = on_refreshed
        self._on_scanned = on_scanned
        self._on_net = on_net
        self._scan_at = float("-inf")
        """When the last look at all began (the loop's clock)."""
        self._hinted: set[Path] = set()
        """Files that may have changed, and are to be looked at next."""
        self._files: set[str] = set()
        """What is watched beside the folders."""
        self._ways = store.ways
        """Of the store, when it was last said what to watch."""

    @property
    def store(self) -> ManifestStore:
        return self._reader.store

    def scanning(self, *, believe: bool = True) -> Callable[[ManifestStore], Scanned]:
        """A complete look, which also tells of the files of what is not declared any more."""
        known = {**self._sources()}

        def scan(store: ManifestStore) -> Scanned:
            desired = store.scan(believe=believe)
            gone = {known[name] or "" for name in known.keys() - desired.apps.keys()}
            return Scanned(desired, frozenset(filter(_has_settled, gone)))

        return scan

    async def ask(self, work: Callable[[ManifestStore], R]) -> R:
        """What ``work`` makes of a draft of the store, which is the store from then on."""
        return await self._reader.look(work)

    async def scan(self) -> Scanned:
        """A look at everything, which believes what it reads."""
        return self.take(await self._reader.look(self.scanning()))

    def take(self, scanned: Scanned) -> Scanned:
        """Tell of a complete look, and have another where that is needed."""
        if self._on_scanned(scanned) or self.store.needs_scan:
            self._scheduler.later("scan", _SCAN_AGAIN, self._scan)
        return scanned

    def watch(self) -> None:
        """Hear of changes of all that is known now."""
        store = self.store
        files = {*store.apart, *map(str, store.dependencies)}
        new, self._files, self._ways = files - self._files, files, store.ways
        self._watcher.watch(store.folders, files, partial(self._watched, new))

    def begin_net(self) -> None:
        """Look at everything now and then, from now on."""
        self._net_later(self._loop.time())

    def look_after(self) -> None:
        """To be called now and then."""
        self._watcher.look_after()

    def close(self) -> None:
        self._watcher.close()
        self._reader.close()

    def _paths_changed(self, paths: Iterable[Path]) -> None:
        self._hinted.update(paths)
        self._scheduler.begin("refresh", self._refresh)

    async def _refresh(self) -> None:
        while self._hinted:
            hinted, self._hinted = self._hinted, set()
            self._refreshed(await self._reader.look(partial(ManifestStore.refresh, paths=hinted)))

    def _refreshed(self, changed: Set[str]) -> None:
        self._settle()
        needs_scan = self._on_refreshed(changed)
        # A new manifest whose secret file is missing changes no app, but waits for that file.
        if changed or self.store.ways != self._ways:
            self._scheduler.later("watch", _WATCH_AGAIN, self.watch)
        if needs_scan or self.store.needs_scan:
            self._scan_soon()

    def _settle(self) -> None:
        """Have a second look at files that were just changed, perhaps not to their end."""
        unstable = tuple(self.store.unstable)
        if unstable:
            self._loop.call_at(self.store.settled_at, self._paths_changed, unstable)

    def _scan_soon(self) -> None:
        """At once, so that a link which was swapped is followed as quickly as a file is read; but a
        link that is swapped without end has a look begun each ``SETTLE``, no more."""
        wait = self._scan_at + SETTLE - self._loop.time()
        self._scheduler.later("scan", max(0.0, wait), self._scan)

    def _scan(self) -> None:
        self._scheduler.begin("scan", self._scan_all)

    async def _scan_all(self) -> None:
        self._scan_at = self._loop.time()
        self.take(await self._reader.look(self.scanning(believe=False)))
        self.watch()

    def _watched(self, files: Set[str], fresh: bool) -> None:
        """All is watched that was seen. A second look at all that is in fresh folders is the
        second look at files that were just changed, too, unless one is to come later anyway; else
        these files are, which may have changed before they were watched."""
        if files and not fresh:
            self._paths_changed(map(Path, files))
            return
        wait = self.store.settled_at - self._loop.time() if self.store.unstable else SETTLE
        if not (fresh and self._scheduler.later("scan", max(0.0, wait), self._scan)):
            self._settle()

    async def _net(self) -> None:
        """The periodic scan, for whatever inotify missed. Whatever befalls it, it comes again."""
        began = self._loop.time()
        try:
            await self._scan_all()
            self._on_net()
        finally:
            self._net_later(began)

    def _net_later(self, began: float) -> None:
        wait = max(_NET_SECONDS, (self._loop.time() - began) * _NET_SHARE)
        begin = partial(self._scheduler.begin, "net", self._net)
        self._scheduler.later("net", wait, begin)


def _has_settled(file: str) -> bool:
    """Whether the file that declared an app is gone, or has not been written for a moment: one
    that is being written, document by document, may yet declare it."""
    try:
        seen = signature(file)
    except UnansweredError:
        return False
    return seen is None or abs(time.time_ns() - seen[1]) > _AT_REST_NS
