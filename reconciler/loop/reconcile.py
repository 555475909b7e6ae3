"""The loop: look at an app, plan, act, look again.

    declared, running, remembered  →  plan  →  actions  →  the queue, again

Every wake-up only puts a name into the queue. A worker takes it and looks at the state as it is
then; until the plan is empty, the name goes back into the queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

from reconciler.converge.process.spawn import SpawnError
from reconciler.desired.directory.dependencies import needs
from reconciler.diff.core.backoff import after_failed_start
from reconciler.diff.core.dependencies import look_at
from reconciler.diff.core.situation import Moment
from reconciler.diff.jobs import runs
from reconciler.diff.memo import Memo
from reconciler.diff.plan import decide, plans
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.status.review import last_spec
from reconciler.diff.stop_order import Teardown
from reconciler.loop import retry
from reconciler.loop.admission import Admission
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.processes.running import Running
from reconciler.loop.queue import WorkQueue
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Desired, DesiredJob, Source, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.plan import Action, Adjust, AppPlan, Decision, End, Start
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import UNDECLARED, Standing
from reconciler.model.state.tally import Tally
from reconciler.model.words.sentence import Sentence
from reconciler.state.history import History
from reconciler.system.clock import boot_now, wall_time

_log = logging.getLogger(__name__)

# Effects in a row before the event loop may look at anything else.
_SLICE = 16
_KEPT = 60.0
"""Seconds for which plans are kept after the last look at them."""


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    """A revision of the past, made of what the journal remembers."""

    hash: str
    app: Workload | None
    problem: str = ""
    """Why there is none."""


class Reconciler:
    """Brings one app after the other from what is observed to what is declared."""

    def __init__(
        self,
        declared: Declared,
        running: Running,
        history: History,
        queue: WorkQueue,
        key: bytes | None,
        *,
        admission: Admission,
        tally: Tally,
    ) -> None:
        self._tally = tally
        self._admission = admission
        self._declared = declared
        self._running = running
        self._history = history
        self._queue = queue
        self._key = key
        self._troubles: dict[str, retry.Trouble] = {}
        """By app, why the last pass over it failed, or its last start."""
        self._starting: dict[tuple[str, int], Start] = {}
        self._rebuilt: dict[str, _Rebuilt] = {}
        self._standings: dict[str, Standing] = {}
        self._teardown: Teardown | None = None
        self._memo = Memo()
        self._to_show: set[str] = set()
        self._looked_at = 0.0
        self.leaving = False
        """Nothing is declared any more: everything is to be stopped (`recon down`)."""

    def trouble(self, name: str) -> str | None:
        """Why an app cannot be brought to what is declared now, where that is the host's doing."""
        found, app = self._troubles.get(name), self._declared.app(name)
        if found is None or (app is not None and app.problem is not None):
            return None  # what is wrong with its manifest says it better
        return f"{found.cause}; trying again"

    def _is_starting(self, name: str) -> bool:
        return any(app == name for app, _ in self._starting)

    def plans(self) -> Iterator[AppPlan]:
        """What the plan has of each app, worked out one by one; all of it as of now. Nothing is
        done by asking."""
        absences = self._absences(None)
        desired = self._with_kept(self._left(self._declared.snapshot()), absences)
        return self._plans(replace(desired, apps={**desired.apps}), absences)

    def take_over(self, names: Iterable[str]) -> None:
        """The first plans of these apps, of which something runs, will be shown at once: they are
        made whole, and need not be made twice."""
        self._to_show.update(names)
        self._looked_at = boot_now()

    def look_after(self) -> None:
        """To be called now and then: plans that no person looks at are not kept."""
        if boot_now() - self._looked_at > _KEPT:
            self._memo.clear()

    def _plans(self, desired: Desired, absences: Mapping[str, Absence]) -> Iterator[AppPlan]:
        self._looked_at = boot_now()
        return plans(
            desired,
            self._running.observed(),
            {**self._history.memories},
            boot_now(),
            absences,
            loads={} if self.leaving else self._admission.verdicts(),
            wall=wall_time(),
            journal=self._history.journal,
            memo=self._memo,
            refused=self._troubles.keys(),
        )

    def _decide(self, name: str) -> tuple[Decision, ...]:
        """What is to be done about one app now."""
        observed, memory = self._running.observed(name), self._history.memory(name)
        absences = self._absences(name)
        desired = self._with_kept(self._left(self._declared.desired(name)), absences)
        app = desired.apps.get(name)
        moment = Moment.of(
            observed,
            boot_now(),
            self._seen_by(name),
            loads=self._admission.verdict(app, memory, observed.processes),
            wall=wall_time(),
            journal=self._history.journal,
            refused=self._troubles.keys() & {name},
        )
        whole = name in self._to_show
        self._to_show.discard(name)
        return decide(desired, {name: memory}, moment, absences, memo=self._memo, whole=whole)

    def _with_kept(self, desired: Desired, absences: Mapping[str, Absence]) -> Desired:
        """With the apps whose removal is in doubt: they go on as they were, and what of them ends
        is started again (design.md#mistakes)."""
        doubted = (name for name, one in absences.items() if one.verdict is not Verdict.DELETE)
        kept = {name: app for name in doubted if (app := self._declared.app(name)) is not None}
        if self.leaving or not kept:
            return desired
        return replace(desired, apps={**kept, **desired.apps})

    def _left(self, desired: Desired) -> Desired:
        """Of what is declared, what still counts."""
        return Desired({}, desired.problems) if self.leaving else desired

    async def work(self) -> None:
        """One worker. Trouble with one app is not trouble for the next."""
        while True:
            name = await self._queue.get()
            began = perf_counter()
            try:
                await self._reconcile(name)
            except Exception as error:
                self._retry(name, error)
            finally:
                self._tally.passes.add(perf_counter() - began)
                self._queue.done(name)

    async def _reconcile(self, name: str) -> None:
        """One pass over one app."""
        if self.leaving:
            self._let_go(name)
        elif self._declared.is_awaited(name):
            return  # what it is to be is known in a moment; it is in the queue again then
        for decided in self._decide(name):
            if not self.leaving:
                self._take_note(decided)
            if not decided.actions and not self._is_starting(name):  # a start may fail later
                self._troubles.pop(name, None)
            made = retry.put_off(decided, self._troubles.get(name), boot_now())
            spec = made.desired.spec if made.desired is not None else None
            self._running.declare(name, spec, made.memory.limited)
            await self._act(made)
            self._tell_dependents(name, made.standing)
            if made.actions and not self.leaving:
                self._queue.add(name)
            elif made.look_again_at is not None:
                self._queue.add_at(name, made.look_again_at)
            self._forget_if_gone(made)

    def _take_note(self, made: Decision) -> None:
        name = made.app
        if made.desired is not None and made.memory is not self._history.memory(name):
            before = self._history.memory(name)
            self._history.remember(name, made.memory)
            if isinstance(made.desired, DesiredJob) and made.memory.runs != before.runs:
                self._running.keep_runs(name, {run.number for run in made.memory.runs})
        for event in made.events:
            self._history.record(event)

    async def _act(self, made: Decision) -> None:
        """The plan's effects, until something happens to the app that the plan did not know."""
        for count, action in enumerate(made.actions, 1):
            if not await self._is_at_hand(made, action):
                self._queue.add(made.app)  # it took a while: the plan may be another now
                return
            self._execute(made, action)
            if count % _SLICE == 0:
                await asyncio.sleep(0)
                if self._queue.is_dirty(made.app):
                    return

    def _execute(self, made: Decision, action: Action) -> None:
        """One effect. Trouble of the app's making is remembered, ours is raised."""
        app = made.desired
        if isinstance(action, Start):
            assert app is not None
            self._start(app, action)
            return
        if isinstance(action, Adjust):
            self._adjust(action)
            return
        app = app or self._as_it_was(made)
        spec = app.spec if app is not None else last_spec(made.memory)
        self._running.end(action, spec, app)
        tag = action.process.tag
        message = f"stopping pid {action.process.id.pid}: {action.reason}"
        self._history.record(Event(tag.app, EventReason.KILLING, message, instance=tag.instance))

    def _as_it_was(self, made: Decision) -> Workload | None:
        """An app that is not declared any more, as it was: its stop is still its own."""
        declared = self._declared.apps().get(made.app)
        if declared is not None or not made.memory.revisions:
            return declared
        return self._rebuilt[made.app].app

    async def _is_at_hand(self, made: Decision, action: Action) -> bool:
        """Whether the revision that an action is about is known. Where it is not it is made of
        what the journal remembers, which reads its env and secret files."""
        name, app, memory = made.app, made.desired, made.memory
        wanted = None
        if isinstance(action, Start):
            assert app is not None
            if not same_revision(app.hash, action.hash):
                wanted = self._history.memory(name).revision(action.hash)
        elif isinstance(action, End) and app is None and name not in self._declared.apps():
            wanted = memory.revisions[-1] if memory.revisions else None
        known = self._rebuilt.get(name)
        if wanted is None or (known is not None and known.hash == wanted.hash):
            return True
        source = app.source if app is not None else Source(self._declared.source_of(name) or "", 1)
        built = await self._declared.rebuilt(name, wanted.spec, source, self._key)
        if isinstance(built, Workload):
            self._rebuilt[name] = _Rebuilt(wanted.hash, replace(built, hash=wanted.hash))
        else:
            self._rebuilt[name] = _Rebuilt(wanted.hash, None, f"revision {wanted.number}: {built}")
        return False

    def _adjust(self, action: Adjust) -> None:
        tag, pid = action.process.tag, action.process.id.pid
        refused = self._running.limiting.adjust(action)
        done = [text for field, text in action.changes.items() if field not in refused]
        if done:
            message = f"pid {pid}: {'; '.join(done)}"
            self._history.record(
                Event(tag.app, EventReason.LIMITS_ADJUSTED, message, instance=tag.instance)
            )
        for field, why in refused.items():
            message = f"limits.{field} of pid {pid} stays as it is: {why}"
            event = Event(tag.app, EventReason.FAILED_LIMITS, message, "Warning", tag.instance)
            self._history.record(event)

    def _start(self, app: Workload, action: Start) -> None:
        memory = self._history.memory(app.name)
        if isinstance(app, DesiredJob):
            self._history.remember(app.name, runs.started(memory, action))
            if not self._history.flush() and built_by(app.name) is None:
                # Unwritten, it would run again after a crash: the next plan waits with it.
                self._history.remember(app.name, memory)
                return
        self._starting[app.name, action.instance] = action
        try:
            self._running.start(self._limited(app, action.hash), action)
        except (SpawnError, OSError) as error:
            self._starting.pop((app.name, action.instance), None)
            self._not_started(app, action, error)

    def begun(self, process: Process) -> None:
        """A program that was to be started is exec'd."""
        name, instance = process.tag.app, process.tag.instance
        action = self._starting.pop((name, instance), None)
        self._troubles.pop(name, None)
        if action is not None:
            message = f"started pid {process.id.pid} ({action.reason})"
            self._history.record(Event(name, EventReason.STARTED, message, instance=instance))
        self._queue.add_after(name)

    def failed(self, process: Process, error: SpawnError) -> None:
        """A program that was to be started could not be exec'd."""
        tag = process.tag
        action = self._starting.pop((tag.app, tag.instance), Start(tag.instance, tag.hash, ""))
        app = self._declared.app(tag.app)
        if app is None or process.state is RunState.STOPPING:
            return
        try:
            self._not_started(app, action, error)
        except SpawnError as transient:
            self._retry(tag.app, transient)

    def _not_started(self, app: Workload, action: Start, error: Exception) -> None:
        """Trouble of the app's making is remembered, ours is raised."""
        memory = self._history.memory(app.name)
        if isinstance(app, DesiredJob):
            memory = runs.not_started(memory, action)
        if not isinstance(error, SpawnError) or error.transient:
            self._history.remember(app.name, memory)
            raise error
        fault = Sentence(error.message, error.remedy)
        later = self._after_failed_start(app, memory, action, fault)
        self._history.remember(app.name, later)
        self._history.record(
            Event(app.name, EventReason.FAILED_CREATE, str(error), "Warning", action.instance)
        )

    def _after_failed_start(
        self, app: Workload, memory: AppMemory, action: Start, fault: Sentence
    ) -> AppMemory:
        now = boot_now()
        if isinstance(app, DesiredJob):
            return runs.after_failed_start(
                memory, action, fault, app.spec, now=now, wall=wall_time()
            )
        return after_failed_start(memory, action, fault, app.spec, now)

    def _limited(self, app: Workload, hash: str) -> Workload:
        """The revision to be started, with the limits that are declared now: they hold for all."""
        found = self._revision(app, hash)
        if found.spec.limits == app.spec.limits:
            return found
        return replace(found, spec=found.spec.model_copy(update={"limits": app.spec.limits}))

    def _revision(self, app: Workload, hash: str) -> Workload:
        """The app as of the revision that is to be started: the manifest's, or the last good.

        SpawnError where the journal cannot give that back.
        """
        if same_revision(app.hash, hash):
            return app
        known = self._rebuilt.get(app.name)
        if known is None or known.hash != hash:
            raise SpawnError(f"revision {hash} is no longer in the history", False)
        if known.app is None:
            del self._rebuilt[app.name]  # it is read again for the next try
            raise SpawnError(known.problem, False)
        return known.app

    def _retry(self, name: str, error: Exception) -> None:
        """Our trouble, not the app's: tell it once, and climb our own ladder."""
        self._tally.failed_passes += 1
        before = self._troubles.get(name)
        app = self._declared.app(name)
        trouble = retry.Trouble.after(before, app.hash if app else "", str(error), boot_now())
        self._troubles[name] = trouble
        if before is None:
            if not isinstance(error, SpawnError | OSError):  # else it was foreseen, and is told
                _log.error("%s could not be brought to what is declared", name, exc_info=error)
            self._history.record(
                Event(name, EventReason.FAILED_SYNC, f"{error}; trying again", "Warning")
            )
        self._queue.add_at(name, trouble.until)

    def _seen_by(self, name: str) -> Mapping[str, Standing]:
        """The standings of the apps that this one depends on, as they are now.

        What is seen is told at once: the next change is one from what was seen, and wakes.
        """
        found = dict[str, Standing]()
        for need in needs(self._declared.app(name)):
            needed = self._declared.app(need)
            if needed is not None and not self.leaving:
                processes = self._running.observed(need).processes
                memory = self._history.memory(need)
                found[need] = look_at(needed, processes, memory, boot_now())
                self._tell_dependents(need, found[need])
        return found

    def _tell_dependents(self, name: str, standing: Standing) -> None:
        """Wake those that wait for this app, or follow its restarts, where it stands otherwise."""
        dependents = self._declared.dependents(name)
        if not dependents:
            self._standings.pop(name, None)
        elif standing != self._standings.get(name, UNDECLARED):
            self._standings[name] = standing
            for dependent in dependents:
                if self._follows(dependent, name):
                    self._queue.add(dependent)

    def _follows(self, dependent: str, name: str) -> bool:
        """Whether it makes a difference to ``dependent`` how ``name`` stands."""
        if not self._history.memory(dependent).begun:
            return True
        app = self._declared.apps()[dependent]
        if any(builder.name == name for builder in app.builders):
            return True
        completed = DependencyCondition.COMPLETED
        return any(
            need.restart or need.condition is completed
            for need in app.spec.depends_on
            if need.app == name
        )

    def _absences(self, name: str | None) -> Mapping[str, Absence]:
        if self.leaving:
            names = self._running.apps() if name is None else [name]
            return {one: self._leave(one) for one in names}
        return self._declared.absences() if name is None else self._declared.absence(name)

    def _leave(self, name: str) -> Absence:
        """The verdict on an app while everything is stopped: dependents go first."""
        holder = self._order().held_by(name)
        if holder is not None:
            return Absence(Verdict.WAIT, f"recon down: stopped after {holder} has ended")
        return Absence(Verdict.DELETE, "recon down")

    def _order(self) -> Teardown:
        if self._teardown is None:
            order: dict[str, list[str]] = {}
            for name, memory in self._history.memories.items():
                if memory.revisions and memory.revisions[-1].spec.get("dependsOn"):
                    order[name] = [need.app for need in last_spec(memory).depends_on]
            for name, app in self._declared.apps().items():
                order[name] = [*needs(app)]
            self._teardown = Teardown(order, self._running.apps())
        return self._teardown

    def _let_go(self, name: str) -> None:
        """While everything is stopped: what was held by this app, of which nothing runs."""
        if not self._running.observed(name).processes:
            for freed in self._order().gone(name):
                self._queue.add(freed)

    def _forget_if_gone(self, made: Decision) -> None:
        """A removed app leaves the journal with its last process."""
        name = made.app
        if made.desired is not None or self.leaving or self._running.observed(name).processes:
            return
        absence = self._declared.absence(name).get(name)
        if absence is not None and absence.verdict is Verdict.DELETE:
            self._declared.forget(name)
            self._running.in_place.declare(name, None)
            self._troubles.pop(name, None)
            self._history.forget(name)
            self._tally.forget(name)
            message = "manifest removed, nothing of it runs"
            self._history.record(Event(name, EventReason.PRUNED, message))
