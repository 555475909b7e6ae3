"""What is declared, as plain data that a test edits: in the place of ``Declared``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, TypeVar

from reconciler.desired.directory.dependencies import Dependents
from reconciler.desired.manifest.resolve import rebuild
from reconciler.diff.prune import CLEAN_SCANS, Absence, absences
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Desired, Problem, Source, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.plan import Condition
from reconciler.state.journal.journal import Journal

R = TypeVar("R")


class Manifests:
    """The directory: it outlives controllers. ``tell`` is the controller's that reads it."""

    def __init__(self) -> None:
        self.apps: dict[str, Workload] = {}
        self.problems: tuple[Problem, ...] = ()
        self.tell: Callable[[Iterable[str]], None] = lambda names: None
        self.awaited: set[str] = set()
        """Apps of which a moment later more will be known."""
        self.held: str = ""
        """Why changes of what apps watch are not followed."""
        self.looked_at: list[str] = []

    def write(self, *apps: Workload) -> None:
        """Declare these, in the place of what had their names."""
        self.apps.update((app.name, app) for app in apps)
        self.tell([app.name for app in apps])

    def remove(self, *names: str) -> None:
        for name in names:
            del self.apps[name]
        self.tell(names)


class SimulatedDeclared:
    """Reads the manifests at once, and takes each absence for a deletion."""

    root_id = None
    settings = SettingsSpec()
    knows_settings = True
    unseen: Set[str] = frozenset()
    manifests: Manifests
    """Of the class that is made for one test (``reading``)."""

    def __init__(
        self,
        store: object,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        workers: object,
        *,
        on_change: Callable[[Iterable[str]], None],
        **others: Any,
    ) -> None:
        self._known: dict[str, str | None] = {}
        self._on_change = on_change
        self._dependents = Dependents()
        self._apps: dict[str, Workload] = {}

    async def start(
        self,
        memories: Mapping[str, AppMemory],
        journal: Journal,
        known: Iterable[str],
        key: bytes | None,
    ) -> None:
        sources = journal.sources()
        self._known = {name: sources.get(name) for name in known}
        self._take(self.manifests.apps)
        self.manifests.tell = self._changed
        self._on_change({*self._apps})

    def source_of(self, name: str) -> str | None:
        return self._known.get(name)

    def desired(self, name: str) -> Desired:
        app = self._apps.get(name)
        return Desired({name: app} if app else {})

    def app(self, name: str) -> Workload | None:
        return self._apps.get(name)

    def snapshot(self) -> Desired:
        return Desired({**self._apps}, self.manifests.problems)

    def problems(self) -> Sequence[Problem]:
        return self.manifests.problems

    def apps(self) -> Mapping[str, Workload]:
        return self._apps

    def dependents(self, name: str) -> Set[str]:
        return self._dependents.of(name)

    def absence(self, name: str) -> Mapping[str, Absence]:
        return {one: why for one, why in self.absences().items() if one == name}

    def absences(self) -> Mapping[str, Absence]:
        clean = dict.fromkeys(self._known, CLEAN_SCANS)
        return absences(self.snapshot(), self._known, clean, confirmed=True)

    def trouble(self, name: str) -> Condition | None:
        held = self.manifests.held
        return Condition("WatchHeld", "True", "WatchRestless", held) if held else None

    def look_at(self, name: str) -> None:
        self.manifests.looked_at.append(name)

    def is_awaited(self, name: str) -> bool:
        return name in self.manifests.awaited

    async def ask(self, call: Callable[[], R]) -> R:
        return call()

    async def looked(self, within: float) -> None:
        pass

    async def decided(self, within: float) -> None:
        pass

    def forget(self, name: str) -> None:
        self._known.pop(name, None)

    async def rebuilt(
        self, name: str, spec: Mapping[str, Any], source: Source, key: bytes | None
    ) -> Workload | Problem:
        return rebuild(name, spec, source, key=key)

    async def rescan(self, *, confirm: bool = False) -> None:
        self._changed({*self._apps, *self.manifests.apps})

    def look_after(self) -> None:
        pass

    def close(self) -> None:
        self.manifests.tell = lambda names: None

    def _changed(self, names: Iterable[str]) -> None:
        self._take(names)
        # As after a look at everything: what is absent may be free to go by now.
        self._on_change({*names, *self._known.keys() - self._apps.keys()})

    def _take(self, names: Iterable[str]) -> None:
        for name in names:
            before, now = self._apps.pop(name, None), self.manifests.apps.get(name)
            self._dependents.put(name, before, now)
            if now is not None:
                self._apps[name] = now
                self._known[name] = now.source.file


def reading(manifests: Manifests) -> Any:
    """The class, for these manifests."""
    return type("Declared", (SimulatedDeclared,), {"manifests": manifests})
