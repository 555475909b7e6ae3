"""A simulated host: what `plan` is tried on, with time that jumps and processes that misbehave.

It executes a plan's actions as the controller does, feeds exits through ``backoff.after_exit``,
and, at each action, checks what must hold whatever happens: the floor and the ceiling of a
rolling update, Recreate's "never both", one process a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.diff.admission import bounded
from reconciler.diff.core.backoff import after_exit
from reconciler.diff.core.history import accounts_to
from reconciler.diff.core.replicas import is_available
from reconciler.diff.plan import plan
from reconciler.diff.prune import Absence
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.spec.limits import Value, wanted
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.desired import Desired, DesiredApp, Source, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Observed, Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import Adjust, AppPlan, End, Plan, Start
from reconciler.model.state.revision import hash_of, marks_of, same_revision, template_of
from reconciler.model.state.walltime import WallTime

PROBE = {"tcpSocket": {"port": 80}}
FIRST_ANSWER = 0.1
TICK = 0.01
TOO_MUCH = "uses 310Mi, limits.memory is 300Mi"
CRASH = Exit(1)
KILLED = Exit(signal=9)
INHERITED: dict[str, Value] = {"nice": 0, "openFiles": 1024, "cpu": "max", "cpuAffinity": "0-3"}


@dataclass(frozen=True)
class Behaviour:
    """How the processes of one revision behave. Seconds."""

    ready_after: float | None = 0.0
    """With a probe: None never."""
    crash_after: float | None = None
    exit: Exit = CRASH
    ignores_stop: float = 0.0
    outgrows_after: float | None = None
    """Then it uses more than `limits.memory`, where that is declared."""


@dataclass
class Sim:
    """One simulated process."""

    process: Process
    behaviour: Behaviour
    probed: bool
    answers_at: float
    """When its probe's next news comes: at first, and after a restart of the controller."""
    limited: bool = False
    """Its app declares `limits.memory`."""

    @property
    def turns_ready_at(self) -> float | None:
        after = self.behaviour.ready_after
        return None if after is None else self.process.started_at + after

    def next_event(self) -> float | None:
        process, moments = self.process, []
        if process.state is RunState.STOPPING:
            assert process.stopping_at is not None
            return process.stopping_at + self.behaviour.ignores_stop
        if self.behaviour.crash_after is not None:
            moments.append(process.started_at + self.behaviour.crash_after)
        if self.behaviour.outgrows_after is not None and self.limited and not process.outgrown:
            moments.append(process.started_at + self.behaviour.outgrows_after)
        if self.probed and process.ready is None:
            moments.append(self.answers_at)
        elif self.probed and process.ready is False and self.turns_ready_at is not None:
            moments.append(max(self.turns_ready_at, self.answers_at))
        return min(moments, default=None)


def app_of(
    name: str = "web",
    command: str = "a",
    secrets: Mapping[str, str] | None = None,
    key: bytes = b"k",
    **spec: Any,
) -> DesiredApp:
    """An app; ``spec`` by the names of a manifest."""
    made = AppSpec.model_validate({"command": [command], **spec})
    marks = marks_of(secrets or {}, key)
    hash = hash_of(template_of(made), marks)
    source = Source(f"/m/{name}.yaml", 1)
    return DesiredApp(name, made, hash, source, secrets=secrets or {}, marks=marks)


@dataclass
class SimHost:
    """See the module. ``behaviours`` by the first word of the command, or by hash."""

    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    now: float = 1000.0
    sims: dict[str, Sim] = field(default_factory=dict)
    memory: dict[str, AppMemory] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    started: list[Process] = field(default_factory=list)
    between: Callable[[], bool] = lambda: False
    """Called before each action; true: the controller was restarted, the plan is void."""
    checks: bool = True
    apps: dict[str, Workload] = field(default_factory=dict)
    limits: dict[str, dict[str, Value]] = field(default_factory=dict)
    """In force, by nonce, where they are not those inherited."""
    refuses: frozenset[str] = frozenset()
    """Limits that the kernel does not let be changed in place."""
    adjusted: list[Adjust] = field(default_factory=list)
    wall: WallTime = field(default_factory=WallTime)
    _count: int = 0

    # -- state ---------------------------------------------------------------------------------

    def processes(self) -> tuple[Process, ...]:
        return tuple(sim.process for sim in self.sims.values())

    def running(self, name: str = "web") -> set[tuple[int, str]]:
        """(instance, hash) of what runs and is not on its way out."""
        mine = (p for p in self.processes() if p.tag.app == name)
        return {(p.tag.instance, p.tag.hash) for p in mine if p.state is not RunState.STOPPING}

    def available(self, app: DesiredApp) -> int:
        mine = (p for p in self.processes() if p.tag.app == app.name)
        return sum(is_available(p, app.spec, self.now) for p in mine)

    def add(self, app: Workload, number: int, hash: str | None = None, **state: Any) -> Process:
        """A process that is there already."""
        self._count += 1
        probed = app.spec.readiness is not None
        tag = Tag("s", app.name, number, hash or app.hash, f"n{self._count}")
        ready: dict[str, Any] = {"ready": None} if probed else {"ready_at": self.now}
        process = Process(tag, ProcessId(self._count + 1, 1), self.now, **(ready | state))
        behaviour = self.behaviours.get(tag.hash) or self.behaviours.get(app.spec.command[0])
        wait = self.now + FIRST_ANSWER
        limited = app.spec.limits.memory is not None
        self.sims[tag.nonce] = Sim(process, behaviour or Behaviour(), probed, wait, limited)
        return process

    # -- one pass ------------------------------------------------------------------------------

    def look(self, desired: Desired, absences: Mapping[str, Absence] | None = None) -> Plan:
        """The plan, and its memory and events taken note of."""
        self.apps.update(desired.apps)
        self._heed_limits()
        observed = Observed(self._looked_at(), inherited=INHERITED)
        made = plan(desired, observed, self.memory, self.now, absences, wall=self.wall)
        for app in made.apps:
            self.memory[app.app] = app.memory
            self.events += app.events
        if self._looked_at() != observed.processes:  # as the controller looks at new fields
            return self.look(desired, absences)
        return made

    def execute(self, made: Plan) -> None:
        for app in made.apps:
            for action in app.actions:
                if self.between():
                    return
                if isinstance(action, Start):
                    self._start(app, action)
                elif isinstance(action, Adjust):
                    self._adjust(action)
                else:
                    self._end(app, action)

    def pass_once(
        self,
        desired: Desired,
        absences: Mapping[str, Absence] | None = None,
        end: float = float("inf"),
    ) -> tuple[Plan, bool]:
        """Look, act, let time pass to the next moment of note, not beyond ``end``; whether there
        is one."""
        made = self.look(desired, absences)
        self.execute(made)
        if any(app.actions for app in made.apps):
            self.advance(TICK)
            return made, True
        moments = [at for sim in self.sims.values() if (at := sim.next_event()) is not None]
        moments += [app.look_again_at for app in made.apps if app.look_again_at is not None]
        if not moments:
            return made, False
        self.advance(max(TICK, min(*moments, end) - self.now))
        return made, True

    def settle(
        self,
        *apps: Workload,
        passes: int = 400,
        absences: Mapping[str, Absence] | None = None,
    ) -> AppPlan:
        """Pass after pass until nothing is to be done or awaited; AssertionError if never."""
        desired = Desired({app.name: app for app in apps})
        for _ in range(passes):
            made, more = self.pass_once(desired, absences)
            if not more:
                return made.apps[0]
        raise AssertionError(f"not settled after {passes} passes: {made.apps[0].status}")

    def run_for(self, seconds: float, *apps: Workload, passes: int = 5000) -> AppPlan:
        """Pass after pass until so much time went by; the last plan."""
        desired = Desired({app.name: app for app in apps})
        end = self.now + seconds
        for _ in range(passes):
            _, more = self.pass_once(desired, end=end)
            if not more or self.now >= end:
                self.now = max(self.now, end)
                return self.look(desired).apps[0]
        raise AssertionError(f"{passes} passes were not enough for {seconds} s")

    # -- what happens --------------------------------------------------------------------------

    def advance(self, seconds: float, *, heard: bool = True) -> None:
        """Let time pass. ``heard`` False: nobody takes note of exits (no controller)."""
        end = self.now + seconds
        while True:
            due = [
                (at, nonce)
                for nonce, sim in self.sims.items()
                if (at := sim.next_event()) is not None and at <= end
            ]
            if not due:
                break
            at, nonce = min(due)
            self.now = max(self.now, at)
            self._happen(nonce, heard)
        self.now = end

    def kill(self, process: Process, exit: Exit = KILLED, *, heard: bool = True) -> None:
        """It ends, unasked."""
        sim = self.sims.pop(process.tag.nonce)
        if heard:
            self._account(sim.process, exit)

    def restart_controller(
        self, *, away: float = 0.0, blind: float = 1.0, forget: bool = False
    ) -> None:
        """Gone for ``away`` s, then it knows no readiness for ``blind`` s."""
        self.advance(away, heard=False)
        for sim in self.sims.values():
            if sim.probed and sim.process.state is RunState.RUNNING:
                sim.process = replace(sim.process, ready=None, ready_at=None)
                sim.answers_at = self.now + blind
        if forget:
            self.memory.clear()

    def request_restart(self, name: str = "web") -> None:
        """As ``Controller.restart`` does."""
        self.memory[name] = replace(
            self.memory[name], restart_requested_at=self.now, ended={}, progressed_at=None
        )

    def _heed_limits(self) -> None:
        """As the controller's sampler does: a limit that is gone marks nobody."""
        for sim in self.sims.values():
            app = self.apps.get(sim.process.tag.app)
            sim.limited = app is not None and app.spec.limits.memory is not None
            if sim.process.outgrown and not sim.limited:
                sim.process = replace(sim.process, outgrown="")

    def _happen(self, nonce: str, heard: bool) -> None:
        sim = self.sims[nonce]
        process = sim.process
        crash, grown = sim.behaviour.crash_after, sim.behaviour.outgrows_after
        if process.state is RunState.STOPPING:
            del self.sims[nonce]
        elif crash is not None and process.started_at + crash <= self.now:
            self.kill(process, sim.behaviour.exit, heard=heard)
        elif (
            grown is not None
            and sim.limited
            and not process.outgrown
            and process.started_at + grown <= self.now
        ):
            sim.process = replace(process, outgrown=TOO_MUCH)
        else:
            at = sim.turns_ready_at
            ready = at is not None and at <= self.now
            sim.process = replace(
                process,
                ready=ready,
                ready_at=self.now if ready else None,
                was_ready=process.was_ready or ready,
            )

    def _account(self, process: Process, exit: Exit) -> None:
        name = process.tag.app
        memory = self.memory.get(name, AppMemory())
        aim, app = accounts_to(memory, process), self.apps.get(name)
        if aim is not None and isinstance(app, DesiredApp):
            self.memory[name] = after_exit(
                memory, process, exit, app.spec, target=aim, now=self.now
            )

    def _start(self, made: AppPlan, action: Start) -> None:
        app = made.desired
        assert app is not None
        if self.checks:
            self._check_start(bounded(app, self.memory[app.name]), action)
        behaviour = self._behaviour(app, action.hash)
        process = self.add(app, action.instance, action.hash)
        self.limits[process.tag.nonce] = wanted(app.spec.limits)
        self.sims[process.tag.nonce].behaviour = behaviour
        self.started.append(process)

    def _behaviour(self, app: Workload, hash: str) -> Behaviour:
        known = self.memory[app.name].revision(hash)
        command = known.spec["command"][0] if known else app.spec.command[0]
        return self.behaviours.get(hash) or self.behaviours.get(command) or Behaviour()

    def _looked_at(self) -> tuple[Process, ...]:
        """The processes, with those limits that are looked at, as the controller does."""
        found = []
        for process in self.processes():
            fields = self.memory.get(process.tag.app, AppMemory()).limited
            in_force = {**INHERITED, **self.limits.get(process.tag.nonce, {})}
            seen = {field: in_force[field] for field in fields}
            found.append(replace(process, limits=seen))
        return tuple(found)

    def _adjust(self, action: Adjust) -> None:
        """As the kernel does: what it refuses stays, and is known."""
        nonce = action.process.tag.nonce
        sim = self.sims.get(nonce)
        if sim is None:
            return
        allowed = {f: v for f, v in action.values.items() if f not in self.refuses}
        refused = {f: (v, "no") for f, v in action.values.items() if f in self.refuses}
        self.limits[nonce] = {**self.limits.get(nonce, {}), **allowed}
        known = {f: v for f, v in sim.process.unadjusted.items() if f not in action.values}
        sim.process = replace(sim.process, unadjusted={**known, **refused})
        self.adjusted.append(action)

    def _end(self, made: AppPlan, action: End) -> None:
        sim = self.sims.get(action.process.tag.nonce)
        if sim is None or sim.process.state is RunState.STOPPING:
            return
        app = made.desired
        was_up = isinstance(app, DesiredApp) and is_available(sim.process, app.spec, self.now)
        state = RunState.STOPPING
        sim.process = replace(sim.process, state=state, stopping_at=self.now)
        if self.checks and was_up and isinstance(app, DesiredApp):
            self._check_end(made, bounded(app, self.memory[made.app]))

    def _check_start(self, app: Workload, action: Start) -> None:
        assert isinstance(app, DesiredApp)
        mine = [p for p in self.processes() if p.tag.app == app.name]
        asked = self.memory[app.name].restart_requested_at or 0
        same = [p for p in mine if same_revision(p.tag.hash, action.hash) and p.started_at >= asked]
        same = [p for p in same if not p.outgrown]  # those are to have a successor
        assert action.instance not in {p.tag.instance for p in same}, "two of one number"
        if app.spec.strategy.type is StrategyType.RECREATE:
            of_number = [p for p in mine if p.outgrown and p.tag.instance == action.instance]
            others = [p for p in mine if not same_revision(p.tag.hash, action.hash)]
            early = [p for p in mine if p.started_at < asked]
            assert not (of_number or others or early), "Recreate had old and new at once"
        else:
            surge, _ = fenceposts(app.spec.strategy, app.spec.wanted)
            assert len(mine) + 1 <= app.spec.wanted + surge, "above wanted + maxSurge"

    def _check_end(self, made: AppPlan, app: DesiredApp) -> None:
        if app.spec.strategy.type is StrategyType.RECREATE:
            return
        rows = made.status.instances
        completed = sum(row.state == "completed" for row in rows)
        assert self.available(app) + completed >= floor_of(app), "available fell below the floor"


def floor_of(app: DesiredApp) -> int:
    """wanted - maxUnavailable."""
    return app.spec.wanted - fenceposts(app.spec.strategy, app.spec.wanted)[1]


def fresh(app: DesiredApp) -> set[tuple[int, str]]:
    """What runs where ``app`` came up from nothing."""
    return {(number, app.hash) for number in range(app.spec.wanted)}


def actions(made: Plan) -> Iterator[Start | End | Adjust]:
    for app in made.apps:
        yield from app.actions


def ends(made: Plan) -> list[End]:
    return [action for action in actions(made) if isinstance(action, End)]
