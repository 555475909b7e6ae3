"""What apps watch: the content of their files, as part of what is declared.

A change is followed when nothing has changed for ``settleSeconds``, so that a build is one
rollout; and not faster than ``pace`` allows, so that an app that writes where it watches does
no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.desired.locate import place_of
from reconciler.desired.logplaces import declared as declared_logs
from reconciler.desired.ours import Ours
from reconciler.desired.trees import Trees, TreeTooLarge, changed, content, with_content
from reconciler.diff import pace
from reconciler.loop.folders import Folders
from reconciler.model.desired import DesiredApp, Problem
from reconciler.model.event import Event
from reconciler.model.plan import Condition
from reconciler.model.watch import Watch

_RESTLESS = 30.0
"""Seconds of unceasing change after which that is told."""
_REMEMBERED = 32
"""Changes that are remembered, for their pace: more than it takes to the longest wait."""


@dataclass(slots=True)
class _Watched:
    """One app that watches."""

    declared: DesiredApp
    """As its manifest has it."""
    trees: Trees
    content: dict[str, str]
    app: DesiredApp
    """As it is with that content."""
    files: dict[str, bytes] = field(default_factory=dict)
    followed: list[float] = field(default_factory=list)
    """When changes were followed, on the loop's clock."""
    timer: asyncio.TimerHandle | None = None
    restless_since: float | None = None
    """Since when it has not been quiet."""
    last: str = ""
    """The path that was heard of last."""
    trouble: Condition | None = None


class Contents:
    """Calls ``on_change`` with the names of apps whose content is another now."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ours: Ours,
        on_change: Callable[[Iterable[str]], None],
        on_event: Callable[[Event], None],
        is_building: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """``ours``: what recon itself writes; it is never content. What an app watches is left
        alone while it is being built."""
        self._loop = loop
        self._ours = ours
        self._on_change = on_change
        self._on_event = on_event
        self._is_building = is_building
        self._apps: dict[str, _Watched] = {}
        self._folders = Folders(loop, self._hint, self._hint_all)
        self._before: Mapping[str, Mapping[str, str]] = {}

    def remember(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """By app, the content that an earlier controller followed."""
        self._before = before

    def of(self, declared: DesiredApp) -> DesiredApp:
        """The app with the content of what it watches; the same object while that is the same."""
        name, watch = declared.name, declared.spec.watch
        known = self._apps.get(name)
        if watch is None:
            self.forget(name)
            return declared
        if known is not None and known.declared is declared:
            return known.app
        if known is not None and _alike(known.declared, declared):
            known.declared = declared
            known.app = with_content(declared, known.content)
            return known.app
        before = dict(known.content if known is not None else self._before.get(name, {}))
        self.forget(name)
        trees = Trees(watch, declared.spec.cwd, self._ours)
        fresh = self._apps[name] = _Watched(declared, trees, before, declared)
        found, problem = self._look(fresh)
        fresh.content = found
        fresh.app = _marked(with_content(declared, found), problem)
        self._rewatch()
        return fresh.app

    def write_logs(self, apps: Iterable[DesiredApp]) -> None:
        """These apps have their logs written by us: before it is asked what anybody watches."""
        for app in apps:
            if not app.spec.logs.is_apart:
                self._ours.add_logs(place for _, place in declared_logs(app.spec))

    def forget(self, name: str) -> None:
        """It watches nothing any more."""
        known = self._apps.pop(name, None)
        if known is not None:
            if known.timer is not None:
                known.timer.cancel()
            self._rewatch()

    def trouble(self, name: str) -> Condition | None:
        """Why changes are not followed now, if they are not."""
        known = self._apps.get(name)
        return known.trouble if known is not None else None

    def look(self) -> None:
        """Look at everything now, settled or not: somebody asks for it."""
        for name in [*self._apps]:
            self._follow(name, at_once=True)

    def look_at(self, name: str) -> None:
        """The same for what one app watches, if it watches anything."""
        if name in self._apps:
            self._follow(name, at_once=True)

    def look_around(self) -> None:
        """Look whether anything changed that nobody told of."""
        self._hint_all()

    def close(self) -> None:
        self._folders.close()
        for known in self._apps.values():
            if known.timer is not None:
                known.timer.cancel()

    # -- wake-ups ------------------------------------------------------------------------------

    def _hint(self, path: str) -> None:
        for name, known in self._apps.items():
            if known.trees.concerns(path):
                known.last = path
                if not self._folders.has(path):
                    self._folders.also(known.trees.discover(path))
                self._wait_for_quiet(name)

    def _hint_all(self) -> None:
        for name, known in self._apps.items():
            if known.timer is None:
                self._later(name, 0.0)

    def _wait_for_quiet(self, name: str) -> None:
        known, now = self._apps[name], self._loop.time()
        if known.restless_since is None:
            known.restless_since = now
        if now - known.restless_since > _RESTLESS and known.trouble is None:
            told = f"what it watches does not come to rest ({known.last} was written again)"
            self._tell(known, "WatchRestless", f"{told}; add that to watch.ignore")
        self._later(name, _watch(known).settle_seconds)

    def _later(self, name: str, wait: float) -> None:
        known = self._apps[name]
        if known.timer is not None:
            known.timer.cancel()
        known.timer = self._loop.call_later(wait, self._follow, name)

    def _follow(self, name: str, at_once: bool = False) -> None:
        """Take over what is there now, if it is another."""
        known = self._apps[name]
        if known.timer is not None:
            known.timer.cancel()
        known.timer = known.restless_since = None
        if self._is_building(name):  # when it is built it is looked at, as a whole
            return
        before = known.files
        found, problem = self._look(known)
        self._rewatch()
        if found == known.content and problem == known.app.problem:
            known.trouble = None
            return
        earliest = pace.not_before(known.followed)
        if not at_once and found != known.content and self._loop.time() < earliest:
            known.files = before  # what changed is told when it is followed
            self._hold(name, changed(before, known.trees.files()), earliest)
            return
        known.trouble = None
        if found != known.content:
            known.followed = [*known.followed[-_REMEMBERED:], self._loop.time()]
            told = _files(changed(before, known.files))
            self._on_event(Event(name, "ContentChanged", f"{told} changed"))
        known.content = found
        known.app = _marked(with_content(known.declared, found), problem)
        self._on_change({name})

    def _hold(self, name: str, files: list[str], until: float) -> None:
        """It changes each time that it was replaced: let it wait, and say so."""
        known = self._apps[name]
        wait = until - self._loop.time()
        told = f"{_files(files)} changed soon after each start: does it write there?"
        told = f"{told} The next change is followed in {wait:.0f} s; add such files to watch.ignore"
        self._tell(known, "WatchLoop", told)
        self._later(name, wait)

    def _tell(self, known: _Watched, reason: str, message: str) -> None:
        if known.trouble is None or known.trouble.reason != reason:
            self._on_event(Event(known.declared.name, reason, message, "Warning"))
        known.trouble = Condition("WatchHeld", "True", reason, message)

    # -- looks ---------------------------------------------------------------------------------

    def _look(self, known: _Watched) -> tuple[dict[str, str], Problem | None]:
        """The content that counts now; where it cannot be told what it was, and why."""
        declared = known.declared
        try:
            seen = known.trees.look()
        except TreeTooLarge as error:
            source = declared.source
            line, column = place_of(source.file, declared.name, ("watch", "paths"))
            problem = Problem(source.file, line, column, "spec.watch.paths", str(error))
            return known.content, declared.problem or problem
        except OSError:  # out of files or memory: ours to bear
            return known.content, known.app.problem
        known.files = known.trees.files()
        return content(_watch(known), seen, known.content), declared.problem

    def _rewatch(self) -> None:
        folders = (known.trees.folders() for known in self._apps.values())
        self._folders.watch(set().union(*folders))


def _watch(known: _Watched) -> Watch:
    watch = known.declared.spec.watch
    assert watch is not None
    return watch


def _alike(one: DesiredApp, other: DesiredApp) -> bool:
    """Whether both watch the same."""
    return one.spec.watch == other.spec.watch and one.spec.cwd == other.spec.cwd


def _marked(app: DesiredApp, problem: Problem | None) -> DesiredApp:
    return app if app.problem == problem else replace(app, problem=problem)


def _files(names: list[str]) -> str:
    few = ", ".join(names[:2])
    return few + (f" and {len(names) - 2} more" if len(names) > 2 else "") or "its content"
