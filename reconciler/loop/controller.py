"""The controller: what it is made of, what wakes it, what it can be asked.

It may be killed at any instruction: what runs is read from the host at the next start, what was
meant from the manifests.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.checks.enforceable import unenforceable
from reconciler.checks.redact import Redactor
from reconciler.desired.directory.settling import SETTLE
from reconciler.desired.directory.store import ManifestStore
from reconciler.diff.jobs import runs
from reconciler.diff.prune import Verdict
from reconciler.logs.write.written import Written
from reconciler.loop.admission import Admission
from reconciler.loop.edit_events import EditEvents
from reconciler.loop.kernel import Kernel
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.notices.around import Surroundings
from reconciler.loop.notices.notices import Notices
from reconciler.loop.postmortem import PostMortem
from reconciler.loop.processes.ends import Ends
from reconciler.loop.processes.running import Running
from reconciler.loop.processes.sampling import Sampling
from reconciler.loop.queue import WorkQueue
from reconciler.loop.reconcile import Reconciler
from reconciler.loop.requests import Requests
from reconciler.loop.safety_net import SafetyNet
from reconciler.loop.specs import Specs
from reconciler.loop.takeover import Takeover
from reconciler.model.host.held import Held
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.builder import builder_name, built_by
from reconciler.model.state.desired import Problem, Workload
from reconciler.model.state.event import Actor, Event
from reconciler.model.state.observed import Exit, Process
from reconciler.model.state.plan import AppPlan, Condition, Plan
from reconciler.model.state.reason import EventReason
from reconciler.model.state.tally import Tally
from reconciler.observed.processes.credibility import uid_of, users_of
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from reconciler.state.neighbours import Neighbours
from reconciler.state.own_files import own_files_in
from reconciler.state.paths import StatePaths, secret_key, store_id
from reconciler.system.clock import boot_id, boot_now
from reconciler.system.exec_errors import SpawnError
from reconciler.system.work.worker import Workers

# Apps worked on at a time: one that starts a thousand instances does not hold up the others.
_WORKERS = 4
_LOOKED = 5.0
"""Seconds that a request waits for looks at what apps watch."""
_DECIDED = 3.0
"""Seconds that a confirmation waits for the looks by which a removal is believed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a controller is started with."""

    manifests: Path
    paths: StatePaths
    profile: str | None = None
    down: bool = False
    """Stop everything of this state directory, then exit."""
    confirm_load: bool = False
    """The count of instances that is declared at its start is meant, whatever the host has."""


class Controller:
    """One controller; the lock on the state directory is held by the caller."""

    def __init__(
        self,
        options: Options,
        loop: asyncio.AbstractEventLoop,
        *,
        kernel: Kernel | None = None,
        declared: type[Declared] = Declared,
    ) -> None:
        kernel = kernel or Kernel()
        self.tally = Tally()
        """What was counted since the start, for metrics."""
        self.options = options
        self._loop = loop
        paths = options.paths
        self._key = secret_key(paths, create=True)
        self._journal = Journal(paths.database, boot_id())
        self._queue = WorkQueue(loop, boot_now)
        self._workers = Workers(loop)
        self.log_workers = Workers(loop, most=2)
        """Processes that read logs for clients: apart, so that a long search holds up no app."""
        self.facts = kernel.facts()
        """What this host lets this controller do, as of its start."""
        store = ManifestStore(
            options.manifests,
            profile=options.profile,
            key=self._key,
            refusals=lambda spec: unenforceable(spec, self.facts),
            state=paths.root,
            cores=self.facts.cores,
            settle=SETTLE,
        )
        self._declared = declared(
            store,
            options.manifests,
            loop,
            self._workers,
            on_change=self._declaration_changed,
            on_event=lambda event: self.history.record(event),  # noqa: PLW0108  made below
            own=own_files_in(paths.root),
            is_building=self._is_building,
            on_settings=self._settings_changed,
        )
        self.redact = Redactor()
        """Masks in a text the secrets of all apps."""
        self.edits = EditEvents(
            options.manifests,
            loop,
            self._declared.ask,
            apps=self._declared.apps,
            on_event=lambda event: self.history.record(event),  # noqa: PLW0108  made below
        )
        self.history = History(
            self._journal,
            loop,
            self._declared.source_of,
            self.redact,
            on_writable=self._look_at_all,
        )
        self._specs = Specs(self._declared, self.history)
        self._running = Running(
            paths.root,
            store_id(paths),
            loop,
            self._journal,
            self.facts,
            workers=self._workers,
            on_change=self._changed,
            on_exit=self._exited,
            on_begun=self._begun,
            on_failed_start=self._failed_start,
            on_event=self.history.record,
            on_log_trouble=self._log_trouble,
            redact=self.redact,
            user_of=lambda name: uid_of(self._specs.of_app(name)),
            is_declared=lambda name: name in self._declared.apps(),
            spec_of=self._specs.of,
            kernel=kernel,
            tally=self.tally,
        )
        self.sampling = Sampling(
            self._running.host,
            self.history,
            on_change=self._changed,
            on_event=self.history.record,
        )
        self._running.in_place.register(
            "limits",
            apply=lambda app: self.sampling.declare(app.name, app.spec.limits.memory),
            removed=lambda name: self.sampling.declare(name, None),
        )
        post_mortem = PostMortem(
            loop,
            self.history,
            self.redact,
            last_errors=self._running.capture.last_errors,
            processes=self.processes,
        )
        self._ends = Ends(self.history, self._declared, self._specs.of_app, post_mortem, self.tally)
        self._admission = Admission(self._declared, self._running, self.history, self.facts)
        self._reconciler = Reconciler(
            self._declared,
            self._running,
            self.history,
            self._queue,
            self._key,
            admission=self._admission,
            tally=self.tally,
        )
        self._reconciler.leaving = options.down
        self.requests = Requests(
            self._declared, self._running, self.history, self._queue, self._admission
        )
        self._neighbours = Neighbours(options.manifests, paths.root)
        self._takeover = Takeover(self._declared, self._running, self.history, self._journal)
        self.net = SafetyNet(
            self._declared,
            self._running,
            self.history,
            self.sampling,
            self._neighbours,
            paths=paths,
            key=self._key,
            relist=self._look_after,
            load_again=lambda: self._tasks.append(loop.create_task(self._load_again())),
        )
        around = Surroundings(
            self.history,
            declared=self._declared.apps,
            processes=self.processes,
            problems=self.problems,
        )
        self.notices = Notices(
            loop,
            self.history,
            around,
            folder=os.path.abspath(options.manifests),
            store=store_id(paths),
        )
        self._notifies = False
        """The controller has started: all that is declared is known."""
        self._log_troubles: dict[str, str] = {}
        self._to_presume: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.stopped = asyncio.Event()
        """Set when everything was stopped on request (``down``)."""

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take over what runs, load what is declared, and begin to converge."""
        self._running.recover()
        await self._load()
        if self.options.confirm_load:  # before the first pass
            self.requests.admit(confirm=True)
        self.edits.begin()
        self._running.sweep()
        self.net.look_at_neighbours()
        for _ in range(_WORKERS):
            self._tasks.append(self._loop.create_task(self._reconciler.work()))
        self._tasks.append(self._loop.create_task(self.net.watch()))
        self._tasks.append(self._loop.create_task(self.sampling.watch()))
        self._begin_notices()
        self._tell_start()
        self._check_stopped()

    async def _load(self) -> None:
        """Load the running processes, the journal and the manifests, in this order."""
        self._relist(full=True, knows=lambda process: self._specs.own(process) is not None)
        known = {*self.history.memories, *self._running.apps()}
        await self._declared.start(self.history.memories, self._journal, known, self._key)
        self._running.ask_adopted(self._specs.of)
        orphans = known - self._declared.apps().keys()
        # Only now is it known as whom the apps are to run.
        if self._trust(map(self._specs.of_app, orphans)) or self._running.host.doubted:
            self._relist(full=True)
        self._takeover.note_unremembered()
        self._takeover.note_lost()
        self._takeover.note_unseen_ends()
        self._takeover.presume_built(self._declared.apps())
        self._tasks.append(self._loop.create_task(self._takeover.ask_earlier(self._key)))
        self._to_presume = {*self._declared.unseen}
        self._reconciler.take_over(self._running.apps())
        for name in {*known, *self._declared.apps()}:
            self._queue.add(name)

    def close(self) -> None:
        """Leave. Apps run on; the next controller takes them over."""
        self.history.record(Event("", EventReason.CONTROLLER_STOPPED, "the controller ends"))
        for task in self._tasks:
            task.cancel()
        self._queue.close()
        self.notices.close()
        self._neighbours.close()
        self.edits.close()
        self._declared.close()
        self.sampling.close()
        self._running.close()
        self._workers.close()
        self.log_workers.close()
        self.history.close()

    # -- requests ------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """The plan for everything, as it is now. Nothing is done by asking."""
        return Plan(tuple(self.plans()), self.mistakes())

    def plans(self) -> Iterator[AppPlan]:
        """What the plan has of each app, worked out one by one: for who must not hold the loop."""
        return map(self._with_troubles, self._reconciler.plans())

    def held(self) -> Held | None:
        """How output is kept over a restart of this controller."""
        return self._running.capture.held()

    def mistakes(self) -> tuple[Problem, ...]:
        """What is wrong with the manifests, and with who else runs them."""
        return (*self._declared.problems(), *self._neighbours.problems)

    def problems(self) -> int:
        """How many mistakes there are in the manifests."""
        return len(self.mistakes())

    def declared(self) -> Mapping[str, Workload]:
        """The apps as declared now."""
        return self._declared.apps()

    @property
    def settings(self) -> SettingsSpec:
        """The Settings in force."""
        return self._declared.settings

    def problems_of(self, name: str) -> list[Problem]:
        """The mistakes in the file that declares an app, or would."""
        return [one for one in self._declared.snapshot().problems if name in one.apps]

    def unconfirmed_removals(self) -> list[str]:
        """The apps that no manifest declares any more, of which a person has to confirm that."""
        verdicts = self._declared.absences().items()
        unsure = [name for name, one in verdicts if one.verdict is Verdict.UNCONFIRMED]
        return sorted(name for name in unsure if built_by(name) is None)

    def processes(self, app: str | None = None) -> tuple[Process, ...]:
        """All processes of ours, or of one app."""
        return self._running.observed(app).processes

    async def rescan(self, *, confirm_prune: bool = False) -> None:
        """Look at all manifests now."""
        await self._declared.rescan(confirm=confirm_prune)

    async def reread(self) -> None:
        """Look at manifests that have just been edited; confirmations stay what they are."""
        await self._declared.reread()

    async def looked(self, within: float = _LOOKED) -> None:
        """Until it is known what is in the files that apps watch, or for so many seconds."""
        await self._declared.looked(within)

    async def decided(self, within: float = _DECIDED) -> None:
        """Until it is known of each absent app whether its manifest was removed, or for so many
        seconds."""
        await self._declared.decided(within)

    async def settle(self) -> None:
        """Until every app that is waiting to be looked at has been."""
        while not self._queue.idle():
            await asyncio.sleep(0.001)

    @property
    def written(self) -> Written:
        """Those that follow the output of an app."""
        return self._running.capture.written

    @property
    def waiting(self) -> int:
        """How many apps wait for a worker to look at them."""
        return self._queue.depth

    @property
    def workers(self) -> Workers:
        """Processes for work that must not hold the loop."""
        return self._workers

    @property
    def leaving(self) -> bool:
        """Everything is being stopped."""
        return self._reconciler.leaving

    def down(self, by: Actor | None = None) -> None:
        """Stop everything; ``stopped`` is set when the last process is gone."""
        if by is not None:
            message = "everything is to be stopped"
            self.history.record(Event("", EventReason.DOWN_REQUESTED, message, by=by))
        self._reconciler.leaving = True
        for name, memory in [*self.history.memories.items()]:
            if memory.ended or memory.evictions or memory.begun:
                # Who brings it up again means now, not after some backoff; and in order.
                fresh = replace(memory, ended={}, leaving={}, left={}, evictions={}, begun=False)
                self.history.remember(name, fresh)
        for name in self._running.apps():
            self._queue.add(name)
        self._check_stopped()

    # -- wake-ups ------------------------------------------------------------------------------

    def _changed(self, name: str) -> None:
        self._queue.add(name)
        self._check_stopped()

    def _declaration_changed(self, names: Iterable[str]) -> None:
        apps = self._declared.apps()
        names = {*names}
        fresh = self._to_presume & names & apps.keys()
        self._to_presume -= fresh
        self._takeover.presume_built(fresh)
        if self._trust(apps[name].spec for name in names if name in apps):
            self._relist(full=True)
        self.edits.changed(names)
        for name in names:
            if name in apps:
                self.redact.learn(apps[name])
            self._running.in_place.declare(name, self._declared.app(name))
            self._queue.add(name)

    def _begin_notices(self) -> None:
        is_known = self._declared.knows_settings
        self.notices.begin(self._declared.settings.notify, is_known=is_known)
        self._notifies = True

    def _settings_changed(self) -> None:
        if self._notifies and self._declared.knows_settings:
            self.notices.declare(self._declared.settings.notify)

    def _exited(self, process: Process, exit: Exit) -> None:
        self.sampling.forget(process)
        self._ends.account(process, exit)
        self._changed(process.tag.app)

    def _begun(self, process: Process) -> None:
        self._reconciler.begun(process)

    def _failed_start(self, process: Process, error: SpawnError) -> None:
        self.sampling.forget(process)
        self._reconciler.failed(process, error)
        self._changed(process.tag.app)

    def _is_building(self, name: str) -> bool:
        """Whether the builder of an app is at work, or is about to be."""
        return bool(runs.active(self.history.memory(builder_name(name))))

    def _log_trouble(self, app: str, message: str | None) -> None:
        before = self._log_troubles.pop(app, None)
        if message is None:
            self.history.record(Event(app, EventReason.LOGS_RECOVERED, "output is written again"))
            return
        self._log_troubles[app] = message
        if before is None:
            self.history.record(Event(app, EventReason.LOGS_DROPPED, message, "Warning"))

    async def _load_again(self) -> None:
        """More is remembered than before. The safety net does not wait for files."""
        try:
            await self._load()
        except OSError as error:
            self.history.record(
                Event("", EventReason.FAILED_RELIST, f"{error}; trying again", "Warning")
            )

    def _look_at_all(self) -> None:
        for name in self._declared.apps():
            self._queue.add(name)

    def _look_after(self) -> None:
        self._reconciler.look_after()
        self._relist(turn=True)

    def _relist(
        self,
        *,
        full: bool = False,
        turn: bool = False,
        knows: Callable[[Process], bool] = lambda process: True,
    ) -> None:
        for fault in self._running.relist(self._specs.of, full=full, turn=turn, knows=knows):
            self.history.record(Event("", EventReason.WITNESS_CONFLICT, fault, "Warning"))

    def _tell_start(self) -> None:
        adopted = len(self.processes())
        found = f"took over {adopted} process{'es' if adopted != 1 else ''}" if adopted else ""
        message = f"the controller started (pid {os.getpid()})"
        message += f" and {found}" if found else ""
        self.history.record(Event("", EventReason.CONTROLLER_STARTED, message))

    # -- small things --------------------------------------------------------------------------

    def _trust(self, specs: Iterable[ProgramSpec]) -> bool:
        """Processes of the users of these may be ours; whether one was passed over that is."""
        return self._running.host.trust(users_of(specs))

    def _with_troubles(self, app: AppPlan) -> AppPlan:
        """A disk that is full, a watch that is held: no part of the plan, but of how the app is."""
        found = []
        if app.app in self._log_troubles:
            fault = self._log_troubles[app.app]
            found.append(Condition("LogsDropped", "True", "LogsDropped", fault))
        held = self._declared.trouble(app.app)
        found += [held] if held is not None else []
        pending = self._reconciler.trouble(app.app)
        if pending is not None:
            found.insert(0, Condition("ReplicaFailure", "True", "FailedSync", pending))
        if not found:
            return app
        status = app.status
        # What keeps recon from the declared state says more than how far it has got.
        message = pending or status.message or found[0].message
        status = replace(status, conditions=(*status.conditions, *found), message=message)
        return replace(app, status=status)

    def _check_stopped(self) -> None:
        if self.leaving and not self._running.apps():
            self.stopped.set()
