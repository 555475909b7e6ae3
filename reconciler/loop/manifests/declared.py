"""The desired side of the loop: which apps are declared now, and which are really gone.

Takes over what looks at the manifests say (``looks``), with the content of what apps
watch, and keeps what the last good version said wherever a file is wrong, over restarts of the
controller too (from the journal).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from reconciler.desired.directory.dependencies import Dependents
from reconciler.desired.directory.footing import Footing
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.manifest.builder import with_builder
from reconciler.desired.manifest.resolve import rebuild
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.diff.core.history import followed
from reconciler.diff.prune import CLEAN_SCANS, Absence
from reconciler.loop.manifests.deletions import Deletions
from reconciler.loop.manifests.looks import ManifestLooks, Scanned
from reconciler.loop.manifests.mistakes import Mistakes
from reconciler.loop.scheduler import Scheduler
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.contents import Contents, NotLookedAtError
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.builder import builder_name, built_by
from reconciler.model.state.desired import Desired, Problem, Source, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.plan import Condition
from reconciler.state.journal.journal import Journal
from reconciler.state.last_good import first_problems, last_good, last_known
from reconciler.system.work.worker import Workers

R = TypeVar("R")

# Mistakes are told so long after a change (seconds): not on its path either.
_TELL = 0.2
# While looks at what apps watch are waited for (seconds).
_LOOK_AGAIN = 0.001


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
        own: OwnFiles | None = None,
        is_building: Callable[[str], bool] = lambda name: False,
        on_settings: Callable[[], None] = lambda: None,
    ) -> None:
        """``own``: what recon itself writes, which no app can watch. ``is_building``:
        whether an app is being built, so that what it watches has yet to be complete.
        ``on_settings``: other Settings may be in force."""
        self._loop = loop
        self._on_change, self._on_settings = on_change, on_settings
        self._apps: dict[str, Workload] = {}
        self._adopted: dict[str, Workload] = {}
        """As the store or the journal has each app that was taken over."""
        self._unseen: set[str] = set()
        """Declared, but what they watch has not been looked at yet: they stay what they were."""
        self._deletions = Deletions(self._apps, self._unseen)
        self._scheduler = Scheduler(loop, "a look at the manifests failed")
        self._answers = Answers(loop, workers)
        self._looks = ManifestLooks(
            root,
            loop,
            self._answers,
            store,
            self._scheduler,
            sources=lambda: self._deletions.sources,
            on_refreshed=self._refreshed,
            on_scanned=self._scanned,
            on_net=self._look_around,
        )
        self._contents = Contents(
            loop,
            workers,
            self._answers,
            own or OwnFiles(),
            self.ask,
            on_change=self._content_changed,
            on_looked=self._looked,
            on_event=on_event,
            is_building=is_building,
        )
        self._mistakes = Mistakes(on_event)
        self._dependents = Dependents()
        self._kept: dict[str, Workload] = {}
        self._last: dict[str, Workload] = {}
        """What each app was that is known and not declared: while its removal is in doubt, it goes
        on so."""
        self._journal: Journal | None = None
        self._footing: Footing | None = None

    @property
    def _store(self) -> ManifestStore:
        return self._looks.store

    async def start(
        self,
        memories: Mapping[str, AppMemory],
        journal: Journal,
        known: Iterable[str],
        key: bytes | None,
    ) -> None:
        """The first complete load. ``known``: what the journal remembers, and what runs."""
        self._journal = journal
        self._deletions.start(journal, known)
        sources, memories = journal.sources(), {**memories}
        self._contents.remember(followed(memories))
        self._footing = footing = Footing.from_text(journal.setting("footing"))
        filled, scan = journal.setting("filled"), self._looks.scanning()

        def load(store: ManifestStore) -> tuple[Scanned, tuple[Mapping[str, Workload], ...]]:
            store.footing = footing
            store.filled.learn(filled)
            scanned = scan(store)
            kept = last_good(scanned.desired, memories, sources, key, store.filled)
            last = last_known(
                scanned.desired, kept, memories, sources, key=key, filled=store.filled
            )
            return scanned, (kept, last)

        scanned, (kept, last) = await self._looks.ask(load)
        self._kept, self._last = {**kept}, {**last}
        self._looks.take(scanned)
        self._looks.watch()
        self._looks.begin_net()

    def source_of(self, name: str) -> str | None:
        """The file that declares an app, or did so last."""
        return self._deletions.sources.get(built_by(name) or name)

    def desired(self, name: str) -> Desired:
        """The slice of one app."""
        app = self._apps.get(name)
        return Desired({name: app} if app else {}, settings=self._store.settings)

    def app(self, name: str) -> Workload | None:
        """What an app is: as declared or, where it is not declared, as it was last."""
        return self._apps.get(name) or self._last.get(name)

    def snapshot(self) -> Desired:
        """Everything, as ``status`` shows it."""
        whole = self._store.snapshot()
        return replace(whole, apps=self._apps)

    @property
    def settings(self) -> SettingsSpec:
        """The Settings in force."""
        return self._store.settings

    def problems(self) -> Sequence[Problem]:
        """All that was wrong at the last look."""
        return self._store.problems

    def apps(self) -> Mapping[str, Workload]:
        return self._apps

    @property
    def knows_settings(self) -> bool:
        """False where the Settings have a mistake, and never were without one."""
        return self._store.knows_settings

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
        return self._deletions.verdicts(self.snapshot)

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

    async def decided(self, within: float) -> None:
        """Until each absence has been seen often enough to be believed; or for so many seconds."""
        until = self._loop.time() + within
        while self._deletions.is_unsure and self._loop.time() < until:
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
        self._deletions.forget(name)
        self._last.pop(name, None)

    async def rebuilt(
        self, name: str, spec: Mapping[str, Any], source: Source, key: bytes | None
    ) -> Workload | Problem:
        """A revision of the past, with what is in its env and secret files now."""

        def build(store: ManifestStore) -> Workload | Problem:
            return rebuild(name, spec, source, key=key, filled=store.filled)

        return await self._looks.ask(build)

    async def rescan(self, *, confirm: bool = False) -> None:
        """Look at everything now; ``confirm``: the deletions that wait are meant."""
        for _ in range(CLEAN_SCANS if confirm else 1):
            scanned = await self._looks.scan()
        self._contents.look()
        self._on_change(self._deletions.confirm(scanned.desired, confirmed=confirm))
        self._looks.watch()

    async def reread(self) -> None:
        """Look at all manifests now: one of them has just been edited."""
        await self._looks.scan()

    def look_after(self) -> None:
        """To be called now and then."""
        self._looks.look_after()
        self._contents.look_after()

    def close(self) -> None:
        self._looks.close()
        self._contents.close()
        self._answers.close()
        self._scheduler.close()

    async def ask(self, call: Callable[[], R]) -> R:
        """What a call returns that touches paths which users name."""
        return await self._looks.ask(lambda store: call())

    def _refreshed(self, changed: Set[str]) -> bool:
        """Some files were looked at; whether all are to be, because an app is missed."""
        self._note_footing()
        self._adopt(self._store.apps, changed)
        self._scheduler.later("mistakes", _TELL, self._tell_mistakes)
        return bool(changed) and self._deletions.has_new

    def _scanned(self, scanned: Scanned) -> bool:
        """All files were looked at; whether they are to be again, to be sure."""
        desired = scanned.desired
        self._mistakes.tell(desired.problems)
        self._drop_kept(desired)
        self._adopt(desired.apps, self._moved(desired.apps))
        concerned = self._deletions.scanned(desired, scanned.settled, self._loop.time())
        self._note_footing()
        self._on_change(concerned)
        return self._deletions.is_unsure

    def _look_around(self) -> None:
        self._contents.look_around()

    def _tell_mistakes(self) -> None:
        self._mistakes.tell(self._store.problems)

    def _note_footing(self) -> None:
        """Remember what manifests are read with, and whether files were empty, for the next."""
        if self._store.filled.changed and self._journal is not None:
            self._journal.set_setting("filled", self._store.filled.to_text())
        footing = self._store.footing
        if footing is not None and footing != self._footing and self._journal is not None:
            self._footing = footing
            self._journal.set_setting("footing", footing.to_text())
        self._on_settings()

    def _moved(self, apps: Mapping[str, Workload]) -> Iterator[str]:
        """The apps that are to be taken over, as far as it is for their manifests to say: what has
        become of what they watch is told when it is known (``_content_changed``)."""
        for name in {*self._adopted, *apps, *self._kept, *self._unseen}:
            declared = apps.get(name) or self._kept.get(name)
            if declared is None or declared is not self._adopted.get(name):
                yield name

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
                    self._adopted.pop(name, None)
                    continue
                self._adopted[name] = declared
            else:
                self._adopted.pop(name, None)
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
            if known is not None:
                self._last[name] = known
            return True
        self._last.pop(name, None)
        self._apps[name] = app
        self._deletions.note(app)
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
