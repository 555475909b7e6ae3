"""What apps watch: the content of their files, as part of what is declared.

A change is followed when nothing has changed for ``settleSeconds``, so that a build is one
rollout; and not faster than ``pace`` allows, so that an app that writes where it watches does
no harm.

Looks are the work of a worker process, because it is unknown how many files there are, how large
they are, and whether they can be read at all. The loop goes on meanwhile: an app stays what it was
until the answer is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from reconciler.desired.manifest.logplaces import declared as declared_logs
from reconciler.desired.watched.content import content, problem_of, with_content
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.trees import Scope
from reconciler.desired.watched.treetask import Found
from reconciler.loop.watching import pace
from reconciler.loop.watching.answers import Answers
from reconciler.loop.watching.content_looks import DEADLINE, ContentLooks, Outcome
from reconciler.loop.watching.discovery import Discovery
from reconciler.loop.watching.hints import Hints
from reconciler.loop.watching.watched import Watched
from reconciler.model.spec.watch import Watch
from reconciler.model.state.desired import Problem, Workload, with_problem
from reconciler.model.state.event import Event
from reconciler.model.state.plan import Condition
from reconciler.model.state.reason import EventReason
from reconciler.model.words.sentence import Sentence
from reconciler.system.work.worker import Workers

_RESTLESS = 30.0
"""Seconds of unceasing change after which that is told."""
_REMEMBERED = 32
"""Changes that are remembered, for their pace: more than it takes to the longest wait."""
_SHARE = 10
"""A look that failed is repeated so rarely that it takes no more than this part of the time."""


class NotLookedAtError(Exception):
    """What an app watches has not been looked at yet: it is to stay what it was."""


class Contents:
    """Calls ``on_change`` with the names of apps whose content is another now."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        answers: Answers,
        own: OwnFiles,
        ask_aside: Callable[[Callable[[], Problem]], Awaitable[Problem]],
        *,
        on_change: Callable[[Iterable[str]], None],
        on_looked: Callable[[str], None],
        on_event: Callable[[Event], None],
        is_building: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """``own``: what recon itself writes; it is never content. ``ask_aside`` makes a call
        that touches paths. ``on_looked(name)``: an app
        ``is_awaited`` no longer. What an app watches is left alone while it is being built."""
        self._loop = loop
        self._workers = workers
        self._own = own
        self._looks = ContentLooks(loop, workers, own, on_ended=self._ended, on_late=on_looked)
        self._ask_aside = ask_aside
        self._on_change = on_change
        self._on_looked = on_looked
        self._on_event = on_event
        self._is_building = is_building
        self._apps: dict[str, Watched] = {}
        self._hints = Hints(loop, answers, self._heard, self._hint_all, leave_out=own.is_log)
        self._discovery = Discovery(loop, self._hints, self._looks)
        self._before: Mapping[str, Mapping[str, str]] = {}
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
        if known is None or not known.watches_like(declared):
            known = self._begin(declared, watch, known)
        elif known.declared is not declared:
            known.declared = declared
            if known.app is not None:
                known.app = with_content(declared, known.content)
        if known.app is None:
            raise NotLookedAtError(name)
        return known.app

    def _begin(self, declared: Workload, watch: Watch, known: Watched | None) -> Watched:
        """Watch what is declared now. What an earlier controller followed holds for the moment."""
        name = declared.name
        before = dict(known.content if known is not None else self._before.get(name, {}))
        self.forget(name)
        before = content(watch, {}, before)
        holds = known is None and before.keys() >= {*watch.paths}
        scope = Scope(watch.paths, watch.ignore, declared.spec.cwd)  # logs are not hints
        app = with_content(declared, before) if holds else None
        fresh = self._apps[name] = Watched(declared, scope, before, app)
        self._looks.look(fresh, at_once=True)
        return fresh

    def write_logs(self, apps: Iterable[Workload]) -> None:
        """Set the apps whose logs recon writes: before it is asked what apps watch."""
        own = [app.spec for app in apps if not app.spec.logs.is_apart]
        if own:
            self._own.add_logs(place for spec in own for _, place in declared_logs(spec))

    def forget(self, name: str) -> None:
        """It watches nothing any more."""
        known = self._apps.pop(name, None)
        if known is not None:
            known.end()
            self._workers.forget(name)
            self._rewatch()

    def trouble(self, name: str) -> Condition | None:
        """Why changes are not followed now, if they are not."""
        known = self._apps.get(name)
        return known.trouble if known is not None else None

    def is_awaited(self, name: str) -> bool:
        """Whether a look that was asked for is under way, and has not taken long yet."""
        known = self._apps.get(name)
        return known is not None and self._looks.is_awaited(known)

    def is_looking(self) -> bool:
        """Whether a look that was asked for is under way, at any app."""
        return any(known.look is not None and known.at_once for known in self._apps.values())

    def look(self) -> None:
        """Look at everything now, settled or not, on request."""
        for name in [*self._apps]:
            self._follow(name, at_once=True)

    def look_at(self, name: str) -> None:
        """The same for what one app watches, if it watches anything."""
        if name in self._apps:
            self._follow(name, at_once=True)

    def look_around(self) -> None:
        """Look for changes of which no event came."""
        self._hint_all()

    def look_after(self) -> None:
        """To be called now and then."""
        self._hints.look_after()

    def close(self) -> None:
        self._hints.close()
        for known in self._apps.values():
            known.end()
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
                self._discovery.heard_of(known, path)
                self._wait_for_quiet(name)

    def _hint_all(self) -> None:
        for name, known in self._apps.items():
            if known.is_idle:
                self._later(name, 0.0)

    def _wait_for_quiet(self, name: str) -> None:
        known, now = self._apps[name], self._loop.time()
        if known.restless_since is None:
            known.restless_since = now
        if now - known.restless_since > _RESTLESS and known.trouble is None:
            message = f"watched files keep changing (last: {known.last})"
            self._tell(known, EventReason.WATCH_RESTLESS, f"{message}; add it to watch.ignore")
        self._later(name, known.watch.settle_seconds)

    def _later(self, name: str, wait: float) -> None:
        known = self._apps[name]
        if known.timer is not None:
            known.timer.cancel()
        wait = max(wait, known.not_before - self._loop.time())
        known.timer = self._loop.call_later(wait, self._follow, name)

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
        self._looks.look(known, at_once)

    def _ended(
        self, known: Watched, number: int, outcome: Outcome, at_once: bool, again: bool
    ) -> None:
        """A look has ended."""
        if isinstance(outcome, Found):
            self._found(known, number, outcome, at_once)
        elif isinstance(outcome, Sentence):
            self._refuse(known, outcome)
        else:  # out of files or memory, and the like
            self._refuse(known, None)
            message = f"watched files cannot be looked at: {outcome}; trying again"
            self._tell(known, EventReason.WATCH_FAILED, message)
        if at_once:
            self._on_looked(known.name)
        if again and not known.is_over:
            self._later(known.name, 0.0)

    def _refuse(self, known: Watched, why: Sentence | None) -> None:
        """It stays what it was, with this problem, if any, and is not looked at again too soon."""
        now = self._loop.time()
        known.not_before = now + min(_SHARE * (now - known.began), DEADLINE)
        if why is None or known.declared.problem is not None:
            self._take(known, known.content, known.declared.problem, "")
            return
        task = self._loop.create_task(self._place(known, why))
        self._placing.add(task)
        task.add_done_callback(self._placing.discard)

    async def _place(self, known: Watched, why: Sentence) -> None:
        """Find the place of a problem in its manifest, which is to read it again."""
        declared = known.declared
        problem = await self._ask_aside(partial(problem_of, declared, *why))
        if not known.is_over and known.declared is declared:
            self._take(known, known.content, problem, "")

    def _found(self, known: Watched, number: int, found: Found, at_once: bool) -> None:
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
        seen = content(known.watch, found.digests, known.content)
        named = _files(found.changed, found.changes)
        earliest = pace.not_before(known.followed)
        if known.app is None or at_once or seen == known.content or self._loop.time() >= earliest:
            self._take(known, seen, known.declared.problem, named)
            known.followed_look = number
        else:
            self._hold(known, named, earliest)

    def _look_once_more(self, known: Watched, fresh: bool) -> None:
        """What happened in folders before they were watched was not heard."""
        if fresh and known.is_idle and not known.is_over:
            self._later(known.name, 0.0)

    def _take(
        self, known: Watched, found: dict[str, str], problem: Problem | None, named: str
    ) -> None:
        """This is the content from now on, and what is wrong with it."""
        known.trouble = None
        if known.app is not None:
            if found == known.content and problem == known.app.problem:
                return
            if found != known.content:
                known.followed = [*known.followed[-_REMEMBERED:], self._loop.time()]
                self._on_event(Event(known.name, EventReason.CONTENT_CHANGED, f"{named} changed"))
        known.content = found
        known.app = with_problem(with_content(known.declared, found), problem)
        self._on_change({known.name})

    def _hold(self, known: Watched, files: str, until: float) -> None:
        """It changes each time that it was replaced: let it wait, and say so."""
        wait = until - self._loop.time()
        message = (
            f"{files} changed soon after each start: does it write there? The next change is "
            f"followed in {wait:.0f} s; add such files to watch.ignore"
        )
        self._tell(known, EventReason.WATCH_LOOP, message)
        self._later(known.name, wait)

    def _tell(self, known: Watched, reason: str, message: str) -> None:
        if known.trouble is None or known.trouble.reason != reason:
            self._on_event(Event(known.name, reason, message, "Warning"))
        known.trouble = Condition("WatchHeld", "True", reason, message)

    def _rewatch(self, then: Callable[[bool], None] = lambda fresh: None) -> None:
        """``then(fresh)``: whether there are folders that were not watched before."""
        apps = self._apps.values()
        apart = set().union(*(known.apart for known in apps))
        self._hints.watch(set().union(*(known.folders for known in apps)), apart, then)


def _files(names: tuple[str, ...], count: int) -> str:
    few = ", ".join(names)
    return few + (f" and {count - len(names)} more" if count > len(names) else "") or "its content"
