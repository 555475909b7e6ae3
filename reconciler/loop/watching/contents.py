"""What apps watch: the content of their files, as part of what is declared.

A change is followed when nothing has changed for ``settleSeconds``, so that a build is one
rollout; and not faster than ``pace`` allows, so that an app that writes where it watches does
no harm.

Looks are the work of a worker process, because nobody knows how many files there are, how large
they are, and whether they can be read at all. The loop goes on meanwhile: an app stays what it was
until the answer is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.desired.logplaces import declared as declared_logs
from reconciler.desired.watched import treetask
from reconciler.desired.watched.content import content, problem_of, with_content
from reconciler.desired.watched.ours import Ours
from reconciler.desired.watched.trees import Scope
from reconciler.desired.watched.treetask import Found, Question, Refused, Watching
from reconciler.loop.watching import pace
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.hints import Hints
from reconciler.model.spec.watch import Watch
from reconciler.model.state.desired import Problem, Workload, with_problem
from reconciler.model.state.event import Event
from reconciler.model.state.plan import Condition
from reconciler.model.words.sentence import Sentence
from reconciler.system.work.worker import Shared, TaskFault, WorkerError, Workers, WorkerTimeout

_RESTLESS = 30.0
"""Seconds of unceasing change after which that is told."""
_REMEMBERED = 32
"""Changes that are remembered, for their pace: more than it takes to the longest wait."""
_DEADLINE = 60.0
"""Seconds that one look may take."""
_SHARE = 10
"""A look that failed is repeated so rarely that it takes no more than this part of the time."""
_CALM = 0.02
"""Seconds between two looks for new folders, after one that found none."""
_AWAITED = 1.0
"""Seconds that an app is left alone for a look that was asked for."""


class NotLookedAtError(Exception):
    """What an app watches has not been looked at yet: it is to stay what it was."""


@dataclass(slots=True)
class _Watched:
    """One app that watches."""

    declared: Workload
    """As its manifest has it."""
    scope: Scope
    content: dict[str, str]
    app: Workload | None
    """As it is with that content; None until it was looked at for the first time."""
    followed: list[float] = field(default_factory=list)
    """When changes were followed, on the loop's clock."""
    timer: asyncio.TimerHandle | None = None
    restless_since: float | None = None
    """Since when it has not been quiet."""
    last: str = ""
    """The path that was heard of last."""
    trouble: Condition | None = None
    folders: frozenset[str] = frozenset()
    """In which something may come to be content."""
    apart: frozenset[str] = frozenset()
    """Files whose folder may not hear of a change."""
    unlisted: set[str] = field(default_factory=set)
    """Paths in which there may be folders that are not watched yet."""
    is_listing: bool = False
    look: asyncio.Future[Any] | None = None
    """The look that is under way."""
    began: float = 0.0
    """When it began, on the loop's clock."""
    at_once: bool = False
    """It was asked for: what it finds is followed, settled or not."""
    again: bool = False
    """Another one was asked for meanwhile."""
    not_before: float = 0.0
    """When it may be looked at again, after a look that failed."""
    followed_look: int = 0
    """The number of the look whose content is the app's."""
    folders_of: int = 0
    """The number of the look that told its folders."""

    @property
    def name(self) -> str:
        return self.declared.name


class Contents:
    """Calls ``on_change`` with the names of apps whose content is another now."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        answers: Answers,
        ours: Ours,
        ask_aside: Callable[[Callable[[], Problem]], Awaitable[Problem]],
        *,
        on_change: Callable[[Iterable[str]], None],
        on_looked: Callable[[str], None],
        on_event: Callable[[Event], None],
        is_building: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """``ours``: what recon itself writes; it is never content. ``ask_aside`` makes a call
        that touches paths. ``on_looked(name)``: an app
        ``is_awaited`` no longer. What an app watches is left alone while it is being built."""
        self._loop = loop
        self._workers = workers
        self._ours = ours
        self._ask_aside = ask_aside
        self._on_change = on_change
        self._on_looked = on_looked
        self._on_event = on_event
        self._is_building = is_building
        self._apps: dict[str, _Watched] = {}
        self._hints = Hints(loop, answers, self._heard, self._hint_all, leave_out=ours.is_log)
        self._before: Mapping[str, Mapping[str, str]] = {}
        self._looks = 0
        self._placing: set[asyncio.Task[None]] = set()

    def remember(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """By app, the content that an earlier controller followed."""
        self._before = before

    def of(self, declared: Workload) -> Workload:
        """The app with the content of what it watches; the same object while that is the same.

        NotLookedAtError where that is not known yet; ``on_change`` is called when it is.
        """
        name, watch = declared.name, declared.spec.watch
        known = self._apps.get(name)
        if watch is None:
            self.forget(name)
            return declared
        if known is None or not _alike(known.declared, declared):
            known = self._begin(declared, watch, known)
        elif known.declared is not declared:
            known.declared = declared
            if known.app is not None:
                known.app = with_content(declared, known.content)
        if known.app is None:
            raise NotLookedAtError(name)
        return known.app

    def _begin(self, declared: Workload, watch: Watch, known: _Watched | None) -> _Watched:
        """Watch what is declared now. What an earlier controller followed holds for the moment."""
        name = declared.name
        before = dict(known.content if known is not None else self._before.get(name, {}))
        self.forget(name)
        before = content(watch, {}, before)
        holds = known is None and before.keys() >= {*watch.paths}
        scope = Scope(watch.paths, watch.ignore, declared.spec.cwd)  # logs are no hints
        app = with_content(declared, before) if holds else None
        fresh = self._apps[name] = _Watched(declared, scope, before, app)
        self._look(fresh, at_once=True)
        return fresh

    def write_logs(self, apps: Iterable[Workload]) -> None:
        """These apps have their logs written by us: before it is asked what anybody watches."""
        own = [app.spec for app in apps if not app.spec.logs.is_apart]
        if own:
            self._ours.add_logs(place for spec in own for _, place in declared_logs(spec))

    def forget(self, name: str) -> None:
        """It watches nothing any more."""
        known = self._apps.pop(name, None)
        if known is not None:
            if known.timer is not None:
                known.timer.cancel()
            if known.look is not None:
                known.look.cancel()
            self._workers.forget(name)
            self._rewatch()

    def trouble(self, name: str) -> Condition | None:
        """Why changes are not followed now, if they are not."""
        known = self._apps.get(name)
        return known.trouble if known is not None else None

    def is_awaited(self, name: str) -> bool:
        """Whether a look that was asked for is under way, and has not taken long yet."""
        known = self._apps.get(name)
        if known is None or known.look is None or not known.at_once:
            return False
        return self._loop.time() - known.began < _AWAITED

    def is_looking(self) -> bool:
        """Whether a look that was asked for is under way, at any app."""
        return any(known.look is not None and known.at_once for known in self._apps.values())

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

    def look_after(self) -> None:
        """To be called now and then."""
        self._hints.look_after()

    def close(self) -> None:
        self._hints.close()
        for known in self._apps.values():
            if known.timer is not None:
                known.timer.cancel()
            if known.look is not None:
                known.look.cancel()
        for task in self._placing:
            task.cancel()

    # -- wake-ups ------------------------------------------------------------------------------

    def _heard(self, paths: set[str]) -> None:
        for path in paths:
            self._hint(path)

    def _hint(self, path: str) -> None:
        for name, known in self._apps.items():
            if known.scope.concerns(path):
                known.last = path
                if not self._hints.has(path):
                    known.unlisted.add(path)
                    self._discover(known)
                self._wait_for_quiet(name)

    def _hint_all(self) -> None:
        for name, known in self._apps.items():
            if known.timer is None and known.look is None:
                self._later(name, 0.0)

    def _wait_for_quiet(self, name: str) -> None:
        known, now = self._apps[name], self._loop.time()
        if known.restless_since is None:
            known.restless_since = now
        if now - known.restless_since > _RESTLESS and known.trouble is None:
            message = f"watched files keep changing (last: {known.last})"
            self._tell(known, "WatchRestless", f"{message}; add it to watch.ignore")
        self._later(name, _watch(known).settle_seconds)

    def _later(self, name: str, wait: float) -> None:
        known = self._apps[name]
        if known.timer is not None:
            known.timer.cancel()
        wait = max(wait, known.not_before - self._loop.time())
        known.timer = self._loop.call_later(wait, self._follow, name)

    def _discover(self, known: _Watched) -> None:
        """Have folders watched that have just come to be, and what is made in them meanwhile."""
        if known.is_listing or not known.unlisted:
            return
        paths, known.unlisted, known.is_listing = tuple(known.unlisted), set(), True

        def discovered(future: asyncio.Future[set[str]]) -> None:
            if self._apps.get(known.name) is not known or future.cancelled():
                return
            found = future.result() if future.exception() is None else set()
            fresh = {folder for folder in found if not self._hints.has(folder)}
            if fresh:
                self._hints.also(fresh, partial(watched, fresh))
            else:
                self._loop.call_later(_CALM, listed)

        def watched(folders: set[str], fresh: bool) -> None:
            if fresh:
                known.folders, known.folders_of = known.folders | folders, 0
                known.unlisted.update(paths)  # before they were watched more may have been made
            self._loop.call_later(0.0 if fresh else _CALM, listed)

        def listed() -> None:
            known.is_listing = False
            if self._apps.get(known.name) is known:
                self._discover(known)

        self._ask(known, treetask.DISCOVER, (_watching(known), paths)).add_done_callback(discovered)

    # -- looks ---------------------------------------------------------------------------------

    def _follow(self, name: str, at_once: bool = False) -> None:
        """Take over what is there now, if it is another."""
        known = self._apps[name]
        if known.timer is not None:
            known.timer.cancel()
        known.timer = None
        if known.look is None:
            known.restless_since = None
        if self._is_building(name):  # when it is built it is looked at, as a whole
            return
        self._look(known, at_once)

    def _look(self, known: _Watched, at_once: bool) -> None:
        """Begin a look. One that is under way may have missed what is there now."""
        if at_once and not known.at_once:
            self._loop.call_later(_AWAITED, self._await_no_longer, known)
        known.at_once = known.at_once or at_once
        if known.look is not None:
            known.again = True
            return
        self._looks += 1
        known.began = self._loop.time()
        question = Question(_watching(known), self._looks, known.followed_look, known.folders_of)
        known.look = self._ask(known, treetask.LOOK, question)
        known.look.add_done_callback(partial(self._looked, known, self._looks))

    def _await_no_longer(self, known: _Watched) -> None:
        if known.look is not None and known.at_once:
            self._on_looked(known.name)

    def _ask(self, known: _Watched, task: str, argument: object) -> asyncio.Future[Any]:
        ours = Shared(treetask.OURS, self._ours.version, self._ours)
        return self._workers.call(
            task, argument, owner=known.name, seconds=_DEADLINE, keeps=True, shared=ours
        )

    def _looked(self, known: _Watched, number: int, look: asyncio.Future[Any]) -> None:
        """A look has ended."""
        if self._apps.get(known.name) is not known or look.cancelled():
            return
        known.look = None
        again, known.again = known.again, False
        if again and look.exception() is None and isinstance(look.result(), Found):
            self._look(known, known.at_once)
            return
        at_once, known.at_once = known.at_once, False
        try:
            found: Found | Refused = look.result()
        except TaskFault as error:  # out of files or memory, and the like
            message = f"watched files cannot be looked at: {error}; trying again"
            self._refuse(known, None)
            self._tell(known, "WatchFailed", message)
        except WorkerError as error:
            self._refuse(known, _why(error))
        else:
            if isinstance(found, Refused):
                self._refuse(known, Sentence(found.message, found.remedy))
            else:
                self._heed(known, number, found, at_once)
        if at_once:
            self._on_looked(known.name)
        if again and self._apps.get(known.name) is known:
            self._later(known.name, 0.0)

    def _refuse(self, known: _Watched, why: Sentence | None) -> None:
        """It stays what it was, with this problem, if any, and is not looked at again too soon."""
        now = self._loop.time()
        known.not_before = now + min(_SHARE * (now - known.began), _DEADLINE)
        if why is None or known.declared.problem is not None:
            self._take(known, known.content, known.declared.problem, "")
            return
        task = self._loop.create_task(self._place(known, why))
        self._placing.add(task)
        task.add_done_callback(self._placing.discard)

    async def _place(self, known: _Watched, why: Sentence) -> None:
        """Find the place of a problem in its manifest, which is to read it once more."""
        declared = known.declared
        problem = await self._ask_aside(partial(problem_of, declared, *why))
        if self._apps.get(known.name) is known and known.declared is declared:
            self._take(known, known.content, problem, "")

    def _heed(self, known: _Watched, number: int, found: Found, at_once: bool) -> None:
        """What a look found is followed, now or later."""
        if found.folders is not None:
            fresh = not found.apart <= known.apart
            known.folders, known.folders_of = found.folders, number
            known.apart = found.apart
            self._rewatch(lambda watched: self._look_once_more(known, watched or fresh))
        if known.app is not None and not at_once and known.timer is not None:
            return  # something was written meanwhile: it is looked at when it is quiet
        if known.app is not None and self._is_building(known.name):
            return
        seen = content(_watch(known), found.digests, known.content)
        named = _files(found.changed, found.changes)
        earliest = pace.not_before(known.followed)
        if known.app is None or at_once or seen == known.content or self._loop.time() >= earliest:
            self._take(known, seen, known.declared.problem, named)
            known.followed_look = number
        else:
            self._hold(known, named, earliest)

    def _look_once_more(self, known: _Watched, fresh: bool) -> None:
        """What happened in folders before they were watched was not heard."""
        is_idle = known.timer is None and known.look is None
        if fresh and is_idle and self._apps.get(known.name) is known:
            self._later(known.name, 0.0)

    def _take(
        self, known: _Watched, found: dict[str, str], problem: Problem | None, named: str
    ) -> None:
        """This is the content from now on, and what is wrong with it."""
        known.trouble = None
        if known.app is not None:
            if found == known.content and problem == known.app.problem:
                return
            if found != known.content:
                known.followed = [*known.followed[-_REMEMBERED:], self._loop.time()]
                self._on_event(Event(known.name, "ContentChanged", f"{named} changed"))
        known.content = found
        known.app = with_problem(with_content(known.declared, found), problem)
        self._on_change({known.name})

    def _hold(self, known: _Watched, files: str, until: float) -> None:
        """It changes each time that it was replaced: let it wait, and say so."""
        wait = until - self._loop.time()
        told = f"{files} changed soon after each start: does it write there?"
        told = f"{told} The next change is followed in {wait:.0f} s; add such files to watch.ignore"
        self._tell(known, "WatchLoop", told)
        self._later(known.name, wait)

    def _tell(self, known: _Watched, reason: str, message: str) -> None:
        if known.trouble is None or known.trouble.reason != reason:
            self._on_event(Event(known.name, reason, message, "Warning"))
        known.trouble = Condition("WatchHeld", "True", reason, message)

    def _rewatch(self, then: Callable[[bool], None] = lambda fresh: None) -> None:
        """``then(fresh)``: whether there are folders that were not watched before."""
        apps = self._apps.values()
        apart = set().union(*(known.apart for known in apps))
        self._hints.watch(set().union(*(known.folders for known in apps)), apart, then)


def _watch(known: _Watched) -> Watch:
    watch = known.declared.spec.watch
    assert watch is not None
    return watch


def _watching(known: _Watched) -> Watching:
    watch = _watch(known)
    return Watching(watch.paths, watch.ignore, known.declared.spec.cwd)


def _alike(one: Workload, other: Workload) -> bool:
    """Whether both watch the same."""
    return one.spec.watch == other.spec.watch and one.spec.cwd == other.spec.cwd


def _why(error: WorkerError) -> Sentence:
    """Why a look has no answer, and what to do."""
    if isinstance(error, WorkerTimeout):
        place = error.path or "a watched file"
        message = f"{place} could not be read within {_DEADLINE:.0f} s"
        return Sentence(message, "name it in `ignore`, or watch less")
    at = f" at {error.path}" if error.path else ""
    message = f"watched files cannot be looked at: {error}{at}"
    return Sentence(message, "recon tries again")


def _files(names: tuple[str, ...], count: int) -> str:
    few = ", ".join(names)
    return few + (f" and {count - len(names)} more" if count > len(names) else "") or "its content"
