"""The desired side of the loop: which apps are declared now, and which are really gone.

Watches the manifests, has changed ones read, and keeps what the last good version said wherever
a file is wrong, over restarts of the controller too (from the journal).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from reconciler.desired.builder import with_builder
from reconciler.desired.dependencies import Dependents
from reconciler.desired.files import signature
from reconciler.desired.footing import Footing
from reconciler.desired.resolve import rebuild
from reconciler.desired.store import ManifestStore
from reconciler.desired.watched.ours import Ours
from reconciler.diff.core.history import followed
from reconciler.diff.prune import CLEAN_SCANS, Absence, Verdict, absences
from reconciler.loop.mistakes import Mistakes
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.contents import Contents, NotLookedAtError
from reconciler.loop.watching.reader import Reader
from reconciler.loop.watching.watch import Watcher
from reconciler.model.state.builder import builder_name, built_by
from reconciler.model.state.desired import Desired, Problem, Source, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.plan import Condition
from reconciler.state import root
from reconciler.state.journal import Journal
from reconciler.state.last_good import first_problems, last_good
from reconciler.system.work.door import UnansweredError
from reconciler.system.work.worker import Workers

R = TypeVar("R")

# A file is believed when it reads the same twice, this far apart (seconds). The loop's timers are
# whole milliseconds, rounded up, and the first look has taken a part of one: 20 ms in all.
_SETTLE = 0.019
# Between the two complete scans that a deletion takes (seconds).
_SCAN_AGAIN = 0.5
# So long has a file not been written that leaves out an app which it declared (nanoseconds).
_AT_REST_NS = 1_000_000_000
# Mistakes are told so long after a change (seconds): not on its path either.
_TELL = 0.2
# New folders and env files are watched this long after a change (seconds): not on its path.
_WATCH_AGAIN = 1.0
# While looks at what apps watch are waited for (seconds).
_LOOK_AGAIN = 0.001
# The safety net behind inotify: at least this many seconds apart, and so rarely that scanning
# takes no more than one thousandth of a core however many manifests there are.
_NET_SECONDS = 20.0
_NET_SHARE = 1000


class _Scanned(NamedTuple):
    """What a complete look found."""

    desired: Desired
    settled: frozenset[str]
    """Of the files of what is not declared any more, those that are gone or at rest."""


class Declared:
    """What the manifests say. Calls ``on_change`` with the names to look at again."""

    def __init__(
        self,
        store: ManifestStore,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        *,
        on_change: Callable[[Iterable[str]], None],
        on_event: Callable[[Event], None],
        ours: Ours | None = None,
        is_building: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """``ours``: what recon itself writes, which no app can watch. ``is_building``:
        whether an app is being built, so that what it watches has yet to be complete."""
        self._answers = Answers(loop, workers)
        self._answers.listen(self._scan_soon)
        self._reader = Reader(loop, self._answers, store)
        self._loop = loop
        self._on_change = on_change
        self._watcher = Watcher(root, loop, self._answers, self._paths_changed, self._scan_soon)
        self._contents = Contents(
            loop,
            workers,
            self._answers,
            ours or Ours(),
            self._ask,
            on_change=self._content_changed,
            on_looked=self._looked,
            on_event=on_event,
            is_building=is_building,
        )
        self._mistakes = Mistakes(on_event)
        self._apps: dict[str, Workload] = {}
        self._dependents = Dependents()
        self._kept: dict[str, Workload] = {}
        self._journal: Journal | None = None
        self._absent_scans: dict[str, int] = {}
        self._known: dict[str, str | None] = {}
        self._unseen: set[str] = set()
        """Declared, but what they watch has not been looked at yet: they stay what they were."""
        self._builders: set[str] = set()
        """Builders of which anything is known, whether their app still has one or not."""
        self._accepted_root: tuple[int, int] | None = None
        self._root_changed = False
        self._footing: Footing | None = None
        self._confirmed: Set[str] = frozenset()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._hinted: set[Path] = set()
        """Files that may have changed, and are to be looked at next."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, Callable[[], Coroutine[None, None, None]]] = {}

    @property
    def _store(self) -> ManifestStore:
        return self._reader.store

    async def start(
        self,
        memories: Mapping[str, AppMemory],
        journal: Journal,
        known: Iterable[str],
        key: bytes | None,
    ) -> None:
        """The first complete load. ``known``: what the journal remembers, and what runs."""
        self._journal = journal
        self._accepted_root = root.accepted(journal)
        sources, memories = journal.sources(), {**memories}
        self._builders = {name for name in known if built_by(name) is not None}
        self._known = {name: sources.get(name) for name in (built_by(one) or one for one in known)}
        self._contents.remember(followed(memories))
        self._footing = footing = Footing.from_text(journal.setting("footing"))
        filled, scan = journal.setting("filled"), self._scanning()

        def load(store: ManifestStore) -> tuple[_Scanned, Mapping[str, Workload]]:
            store.footing = footing
            store.filled.learn(filled)
            scanned = scan(store)
            return scanned, last_good(scanned.desired, memories, sources, key, store.filled)

        scanned, kept = await self._reader.look(load)
        self._kept = {**kept}
        self._after_scan(scanned)
        self._watch()
        self._net_later(self._loop.time())

    def source_of(self, name: str) -> str | None:
        """The file that declares an app, or did so last."""
        return self._known.get(built_by(name) or name)

    def desired(self, name: str) -> Desired:
        """The slice of one app."""
        app = self._apps.get(name)
        return Desired({name: app} if app else {}, settings=self._store.settings)

    def snapshot(self) -> Desired:
        """Everything, as ``status`` shows it."""
        whole = self._store.snapshot()
        return replace(whole, apps=self._apps)

    def apps(self) -> Mapping[str, Workload]:
        return self._apps

    def dependents(self, name: str) -> Set[str]:
        """The declared apps that depend on this one."""
        return self._dependents.of(name)

    def absence(self, name: str) -> Mapping[str, Absence]:
        """The verdict on an app that is not declared; empty for one that is."""
        if name in self._apps:
            return {}
        verdicts = self.absences()
        return {name: verdicts[name]} if name in verdicts else {}

    def absences(self) -> Mapping[str, Absence]:
        """The verdicts on all that is known and not declared."""
        verdicts = self._verdicts()
        for name in self._builders - self._apps.keys():
            app = built_by(name)
            if app in verdicts:
                verdicts[name] = verdicts[app]
            elif app in self._apps or app not in self._known.keys() | self._unseen:
                verdicts[name] = Absence(Verdict.DELETE, f"{app} is no longer built")
        return verdicts

    def _verdicts(self) -> dict[str, Absence]:
        absent = self._absent()
        if not absent:
            return {}
        known = {name: self._known[name] for name in self._known.keys() - self._unseen}
        return dict(
            absences(
                self.snapshot(),
                known,
                self._absent_scans,
                confirmed=absent <= self._confirmed,
                root_changed=self._root_changed,
                unread=self._journal is not None and _is_unread(self._journal),
            )
        )

    def trouble(self, name: str) -> Condition | None:
        """Why changes of what an app watches are not followed now, if they are not."""
        app = self._apps.get(name)
        names = [name, *(builder.name for builder in app.builders)] if app else [name]
        return next(filter(None, map(self._contents.trouble, names)), None)

    def look_at(self, name: str) -> None:
        """See what is in the files that an app watches, now: they have just been written."""
        self._contents.look_at(name)

    def is_awaited(self, name: str) -> bool:
        """Whether it is about to be known what an app is: to act before that would be too soon."""
        return self._contents.is_awaited(name) or self._contents.is_awaited(builder_name(name))

    async def looked(self, within: float) -> None:
        """Until the looks that were asked for have ended, and files that were written a moment
        ago have come to rest; or for so many seconds."""
        until = self._loop.time() + within
        while (self._contents.is_looking() or self._store.unstable) and self._loop.time() < until:
            await asyncio.sleep(_LOOK_AGAIN)

    @property
    def root_id(self) -> tuple[int, int] | None:
        """(st_dev, st_ino) of the directory, as of the last complete look."""
        return self._store.root_id

    @property
    def unseen(self) -> Set[str]:
        """Declared apps of which nothing is known before what they watch has been looked at."""
        return self._unseen

    def forget(self, name: str) -> None:
        """A removed app is gone to its last process."""
        self._known.pop(name, None)
        self._builders.discard(name)
        self._absent_scans.pop(name, None)

    async def rebuilt(
        self, name: str, spec: Mapping[str, Any], source: Source, key: bytes | None
    ) -> Workload | Problem:
        """A revision of the past, with what is in its env and secret files now."""

        def build(store: ManifestStore) -> Workload | Problem:
            return rebuild(name, spec, source, key=key, filled=store.filled)

        return await self._reader.look(build)

    async def rescan(self, *, confirm: bool = False) -> None:
        """Look at everything now; ``confirm``: the deletions that wait are meant."""
        for _ in range(CLEAN_SCANS if confirm else 1):
            scanned = await self._reader.look(self._scanning())
            self._after_scan(scanned)
        self._contents.look()
        # Those that are absent now, and no others that may follow.
        self._confirmed = self._absent() if confirm else frozenset()
        self._judge_root(scanned.desired)
        self._on_change(self._confirmed)
        self._watch()

    def look_after(self) -> None:
        """To be called now and then."""
        self._watcher.look_after()
        self._contents.look_after()

    def close(self) -> None:
        self._watcher.close()
        self._contents.close()
        self._reader.close()
        self._answers.close()
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks.values():
            task.cancel()

    async def _ask(self, call: Callable[[], R]) -> R:
        """What a call returns that touches paths which users name."""
        return await self._reader.look(lambda store: call())

    def _paths_changed(self, paths: Iterable[Path]) -> None:
        self._hinted.update(paths)
        self._begin("refresh", self._refresh)

    async def _refresh(self) -> None:
        while self._hinted:
            hinted, self._hinted = self._hinted, set()
            self._after_refresh(await self._reader.look(partial(_refreshed, paths=hinted)))

    def _after_refresh(self, changed: Set[str]) -> None:
        self._note_footing()
        self._settle()
        self._adopt(self._store.apps, changed)
        if changed:
            self._later("watch", _WATCH_AGAIN, self._watch)
        self._later("mistakes", _TELL, self._tell_mistakes)
        if self._store.needs_scan or (changed and self._absent() - self._absent_scans.keys()):
            self._later("scan", _SETTLE, self._scan)

    def _settle(self) -> None:
        """Have a second look at files that were just changed, perhaps not to their end."""
        unstable = tuple(self._store.unstable)
        if unstable:
            at = self._store.unstable_since + _SETTLE
            self._loop.call_at(at, self._paths_changed, unstable)

    def _tell_mistakes(self) -> None:
        self._mistakes.tell(self._store.problems)

    def _scan_soon(self) -> None:
        self._later("scan", _SETTLE, self._scan)

    def _scan(self) -> None:
        self._begin("scan", self._scan_all)

    async def _scan_all(self) -> None:
        scanned = await self._reader.look(self._scanning(believe=False))
        self._after_scan(scanned)
        self._watch()

    def _scanning(self, *, believe: bool = True) -> Callable[[ManifestStore], _Scanned]:
        """A complete look, which also tells of the files of what is not declared any more."""
        known = {**self._known}

        def scan(store: ManifestStore) -> _Scanned:
            desired = store.scan(believe=believe)
            gone = {known[name] or "" for name in known.keys() - desired.apps.keys()}
            return _Scanned(desired, frozenset(filter(_has_settled, gone)))

        return scan

    def _watch(self) -> None:
        store = self._store
        files = {*store.apart, *map(str, store.dependencies)}
        self._watcher.watch(store.folders, files, self._watched)

    def _watched(self, fresh: bool) -> None:
        """All is watched that was seen. A second look at all that is in fresh folders is the
        second look at files that were just changed, too."""
        if fresh:
            self._scan_soon()
        else:
            self._settle()

    async def _net(self) -> None:
        """The periodic scan, for whatever inotify missed. Whatever befalls it, it comes again."""
        began = self._loop.time()
        try:
            await self._scan_all()
            self._contents.look_around()
        finally:
            self._net_later(began)

    def _net_later(self, began: float) -> None:
        wait = max(_NET_SECONDS, (self._loop.time() - began) * _NET_SHARE)
        self._later("net", wait, lambda: self._begin("net", self._net))

    def _after_scan(self, scanned: _Scanned) -> None:
        desired = scanned.desired
        self._mistakes.tell(desired.problems)
        was_absent = set(self._absent_scans)
        self._drop_kept(desired)
        self._adopt(desired.apps, {*self._apps, *desired.apps, *self._kept})
        absent = self._absent()
        if desired.complete:
            scans = self._absent_scans
            self._absent_scans = {
                name: scans.get(name, 0) + ((self._known[name] or "") in scanned.settled)
                for name in absent
            }
        is_unsure = any(count < CLEAN_SCANS for count in self._absent_scans.values())
        if is_unsure or self._store.needs_scan:
            self._later("scan", _SCAN_AGAIN, self._scan)
        self._judge_root(desired)
        self._note_footing()
        self._on_change(absent | was_absent | (self._builders - self._apps.keys()))

    def _absent(self) -> Set[str]:
        """Apps that are known, and not declared."""
        return self._known.keys() - self._apps.keys() - self._unseen

    def _judge_root(self, desired: Desired) -> None:
        """Another directory in the place of the accepted one is accepted when it lacks nothing."""
        if desired.root_id is None:
            return
        if self._accepted_root is None or self._absent() <= self._confirmed:
            if self._accepted_root != desired.root_id and self._journal is not None:
                root.accept(self._journal, desired.root_id)
            self._accepted_root = desired.root_id
        self._root_changed = desired.root_id != self._accepted_root

    def _note_footing(self) -> None:
        """Remember what manifests are read with, and whether files were empty, for the next."""
        if self._store.filled.changed and self._journal is not None:
            self._journal.set_setting("filled", self._store.filled.to_text())
        footing = self._store.footing
        if footing is not None and footing != self._footing and self._journal is not None:
            self._footing = footing
            self._journal.set_setting("footing", footing.to_text())

    def _adopt(self, apps: Mapping[str, Workload], names: Iterable[str]) -> None:
        """Take over what the store says, and tell whose declaration is another now."""
        changed = []
        concerned = {built_by(name) or name for name in names}
        every = {name: apps.get(name) or self._kept.get(name) for name in concerned}
        self._contents.write_logs(app for app in every.values() if app is not None)
        for name, declared in every.items():
            found = dict.fromkeys((name, builder_name(name)))
            self._unseen.discard(name)
            if declared is not None:
                try:
                    found |= {app.name: app for app in with_builder(declared, self._contents.of)}
                except NotLookedAtError:  # `_content_changed` is called when that is done
                    self._unseen.add(name)
                    continue
            changed += [each for each, app in found.items() if self._put(each, app)]
        if changed:
            self._on_change(changed)

    def _put(self, name: str, app: Workload | None) -> bool:
        """Take over one declaration; whether it is another now."""
        known = self._apps.get(name)
        if app is None:
            self._contents.forget(name)
        if app is known or (app is not None and app == known):
            return False
        self._dependents.put(name, known, app)
        if app is None:
            del self._apps[name]
            return True
        self._apps[name] = app
        if built_by(name) is None:
            self._known[name] = app.source.file
        else:
            self._builders.add(name)
        return True

    def _content_changed(self, names: Iterable[str]) -> None:
        owners = {built_by(name) or name for name in names}
        declared = {name: app for name in owners if (app := self._declared_as(name)) is not None}
        self._adopt(declared, declared)

    def _looked(self, name: str) -> None:
        """A look that was asked for has ended, or takes too long to be waited for."""
        self._on_change({built_by(name) or name} & self._apps.keys())

    def _declared_as(self, name: str) -> Workload | None:
        return self._store.apps.get(name) or self._kept.get(name)

    def _drop_kept(self, desired: Desired) -> None:
        wrong = first_problems(desired)
        for name in [*self._kept]:
            if name in desired.apps or not (desired.held or self._kept[name].source.file in wrong):
                del self._kept[name]

    def _later(self, what: str, wait: float, call: Callable[[], None]) -> None:
        """Call once after ``wait`` seconds; of several calls of one kind the first counts."""
        if what in self._timers:
            return

        def due() -> None:
            del self._timers[what]
            call()

        self._timers[what] = self._loop.call_later(wait, due)

    def _begin(self, what: str, call: Callable[[], Coroutine[None, None, None]]) -> None:
        """Have it done; once more where it is under way, and may have missed what is there now."""
        if what in self._tasks:
            self._again[what] = call
            return
        task = self._tasks[what] = self._loop.create_task(call())
        task.add_done_callback(partial(self._ended, what))

    def _ended(self, what: str, task: asyncio.Task[None]) -> None:
        del self._tasks[what]
        call = self._again.pop(what, None)
        if call is not None and not task.cancelled():
            self._begin(what, call)
        if not task.cancelled() and task.exception() is not None:
            message = f"a look at the manifests failed ({what})"
            self._loop.call_exception_handler({"message": message, "exception": task.exception()})


def _refreshed(store: ManifestStore, paths: Iterable[Path]) -> Set[str]:
    return store.refresh(paths)


def _has_settled(file: str) -> bool:
    """Whether the file that declared an app is gone, or has not been written for a moment: one
    that is being written, document by document, may yet declare it."""
    try:
        seen = signature(file)
    except UnansweredError:
        return False
    return seen is None or abs(time.time_ns() - seen[1]) > _AT_REST_NS


def _is_unread(journal: Journal) -> bool:
    return journal.state.unremembered is Recall.UNREAD
