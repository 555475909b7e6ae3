"""A simulated host that runs Jobs, with a wall clock that can be set, and that can be booted.

What must hold whatever happens is checked at each look and each start: one process a run, one run
at a time where the Job says so, no moment of a schedule twice, nothing started that is not built;
and of the plan itself that it is settled, in no order, and says when to look again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.desired.manifest.builder import builder_of, with_builder
from reconciler.desired.watched.content import with_content
from reconciler.diff.core.schedule import is_frequent
from reconciler.diff.core.situation import Moment
from reconciler.diff.jobs import runs
from reconciler.diff.plan import changes, decide, plan, standings
from reconciler.diff.prune import Absence
from reconciler.model.spec.job import ConcurrencyPolicy, JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.builder import builder_name
from reconciler.model.state.desired import Desired, DesiredApp, DesiredJob, Source, Workload
from reconciler.model.state.memory import AppMemory, JournalState, Run
from reconciler.model.state.observed import Exit, Observed, Process, RunState
from reconciler.model.state.plan import AppPlan, Decision, Plan, Start
from reconciler.model.state.revision import hash_of, same_revision, template_of
from reconciler.model.state.walltime import WallTime
from reconciler.state.journal.recollection import over_a_boot
from tests.diff.simhost import INHERITED, KILLED, Behaviour, SimHost

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC).timestamp()
START = 1000.0
"""Boot seconds at noon."""
WELL = Behaviour(crash_after=1.0, exit=Exit(0))
FAILS = Behaviour(crash_after=1.0, exit=Exit(1))
HANGS = Behaviour()


def job_of(name: str = "report", command: str = "a", **spec: Any) -> DesiredJob:
    """A Job; ``spec`` by the names of a manifest."""
    made = JobSpec.model_validate({"command": [command], **spec})
    return DesiredJob(name, made, hash_of(template_of(made), {}), Source(f"/m/{name}.yaml", 1))


def built_of(inputs: str = "1", command: str = "a", **spec: Any) -> tuple[DesiredJob, DesiredApp]:
    """The builder of an app named web, and the app, with this content of its inputs."""
    build = {"command": ["make"], "inputs": ["src"]}
    written = AppSpec.model_validate({"command": [command], "build": build, **spec})
    assert written.build is not None
    source, name = Source("/m/web.yaml", 1), builder_name("web")
    job = builder_of(written, written.build)
    builder = DesiredJob(name, job, hash_of(template_of(job), {}), source)
    declared = DesiredApp(
        "web", written, hash_of(template_of(written), {}), source, builder=builder
    )

    def of(app: Workload) -> Workload:
        return with_content(app, {"src": inputs}) if isinstance(app, DesiredJob) else app

    made, app = with_builder(declared, of)
    assert isinstance(made, DesiredJob) and isinstance(app, DesiredApp)
    return made, app


@dataclass
class JobHost(SimHost):
    """See the module. ``script``: how the next processes behave, each once, before ``behaviours``
    are asked."""

    wall: WallTime = field(default_factory=lambda: WallTime(NOON - START))
    script: dict[str, list[Behaviour]] = field(default_factory=dict)
    """By app."""
    tries: Counter[int] = field(default_factory=Counter)
    """Processes that were started, by number of the run; of the Job named ``report``."""
    lost: Counter[int] = field(default_factory=Counter)
    """Those of them that ended unseen."""
    begun: dict[int, Run] = field(default_factory=dict)
    """All runs that ever were, by number, as they were when they began."""
    decided: dict[int, Run] = field(default_factory=dict)
    moments: set[float] = field(default_factory=set)
    """Moments of the schedule that had a run."""
    set_back: float = 0.0
    """Seconds by which the clock was ever set back."""
    artefact: str = ""
    """The hash of the builder that wrote what lies on the disk; empty while it is not whole."""

    # -- one pass ------------------------------------------------------------------------------

    def look(self, desired: Desired, absences: Mapping[str, Absence] | None = None) -> Plan:
        made = super().look(desired, absences)
        if builder_name("web") in desired.apps:  # as the controller wakes the one for the other
            made = super().look(desired, absences)
        if self.checks:
            self._check_plan(made, desired, absences)
        for app in made.apps:
            if isinstance(app.desired, DesiredJob):
                self._note_runs(app.app)
        return made

    def settle_all(self, *apps: Workload, passes: int = 400) -> dict[str, AppPlan]:
        """As ``settle``; the last plan of each."""
        self.settle(*apps, passes=passes)
        return {one.app: one for one in self.look(Desired({a.name: a for a in apps})).apps}

    # -- what happens --------------------------------------------------------------------------

    def set_clock(self, seconds: float) -> None:
        """The wall clock is set forward, or back."""
        offset = self.wall.offset + seconds
        if seconds > 1:
            self.wall = replace(self.wall, offset=offset, forward=seconds, forward_at=self.now)
        else:
            self.wall = replace(self.wall, offset=offset)
            self.set_back += max(0.0, -seconds)

    @property
    def wall_now(self) -> float:
        return self.wall.at(self.now)

    def end_unseen(self) -> None:
        """While no controller runs all processes end."""
        for process in self.processes():
            self.kill(process, heard=False)

    def reboot(self, away: float = 60.0) -> None:
        """As the journal reads a memory of another boot; the wall clock goes on."""
        self.end_unseen()
        wall = self.wall_now + away
        self.now = 10.0
        self.wall = WallTime(wall - self.now, self.wall.zone)
        self.memory = {
            name: replace(over_a_boot(memory), revisions=memory.revisions)
            for name, memory in self.memory.items()
        }

    def happen(self, what: str, value: Any) -> None:
        """One of the things that may happen to a host at any time, by name."""
        if what == "clock":
            self.set_clock(value)
        elif what == "away":
            self.restart_controller(away=value)
        elif what == "boot":
            self.reboot(value)
        elif what == "unseen":
            self.end_unseen()

    def kill(self, process: Process, exit: Exit = KILLED, *, heard: bool = True) -> None:
        if not heard and process.state is not RunState.STOPPING and process.tag.app == "report":
            self.lost[process.tag.instance] += 1
        self._note_artefact(process, Exit() if not heard else exit)
        super().kill(process, exit, heard=heard)

    def _account(self, process: Process, exit: Exit) -> None:
        name = process.tag.app
        app = self.apps.get(name)
        if not isinstance(app, DesiredJob):
            super()._account(process, exit)
            return
        memory, events = runs.after_exit(
            self.memory.get(name, AppMemory()),
            process,
            exit,
            app.spec,
            now=self.now,
            wall=self.wall,
        )
        self.memory[name] = memory
        self.events += events
        self._note_runs(name)

    def _happen(self, nonce: str, heard: bool) -> None:
        process = self.sims[nonce].process
        stopped = process.state is RunState.STOPPING
        super()._happen(nonce, heard)
        if stopped and heard and nonce not in self.sims:
            app = self.apps.get(process.tag.app)
            if isinstance(app, DesiredJob):  # its end is told as any other
                self._account(process, Exit(signal=15))

    def _behaviour(self, app: Workload, hash: str) -> Behaviour:
        script = self.script.get(app.name)
        return script.pop(0) if script else super()._behaviour(app, hash)

    def _start(self, made: AppPlan, action: Start) -> None:
        if isinstance(made.desired, DesiredJob):
            self.memory[made.app] = runs.started(self.memory[made.app], action)
        super()._start(made, action)
        app = made.desired
        assert app is not None
        if app.name == "report":
            self.tries[action.instance] += 1
        if app.name == builder_name("web"):
            self.artefact = ""

    def _note_artefact(self, process: Process, exit: Exit) -> None:
        if process.tag.app == builder_name("web") and exit.success:
            self.artefact = process.tag.hash

    def _schedule(self, name: str) -> str:
        app = self.apps.get(name)
        return (app.spec.schedule or "") if isinstance(app, DesiredJob) else ""

    def _note_runs(self, name: str) -> None:
        if name != "report":
            return
        for run in self.memory[name].runs:
            if run.number not in self.begun:
                self.begun[run.number] = run
                if run.due_at is not None and self.checks:
                    assert run.due_at <= self.wall_now, "before its time"
                    again = self.set_back >= 60 and is_frequent(self._schedule(name))
                    assert again or run.due_at not in self.moments, "a moment twice"
                    self.moments.add(run.due_at)
            if run.outcome != "Active":
                known = self.decided.setdefault(run.number, run)
                assert known.outcome == run.outcome, "decided another way"

    # -- what must hold ------------------------------------------------------------------------

    def _check_start(self, app: Workload, action: Start) -> None:
        mine = [p for p in self.processes() if p.tag.app == app.name]
        if isinstance(app, DesiredJob):
            same = [p for p in mine if p.tag.instance == action.instance]
            assert not same, "two processes of one run"
            policy = app.spec.concurrency_policy
            if app.spec.schedule is None or policy is not ConcurrencyPolicy.ALLOW:
                assert not mine, "two runs at a time"
            return
        for builder in app.builders if same_revision(action.hash, app.hash) else ():
            known = self.memory["web"].revisions[-1]
            assert self.artefact == builder.hash or known.good, "started and not built"
        super()._check_start(app, action)

    def _check_plan(
        self, made: Plan, desired: Desired, absences: Mapping[str, Absence] | None
    ) -> None:
        for app in made.apps:
            assert app.look_again_at is None or app.look_again_at > self.now, "look in the past"
        seen = self._looked_at()
        orders: Iterable[tuple[Process, ...]] = (seen, seen[::-1])
        for processes in orders:
            observed = Observed(processes, inherited=INHERITED)
            again = plan(desired, observed, self.memory, self.now, absences, wall=self.wall)
            assert self._decided(desired, observed, absences) == [*map(_decision_of, again.apps)]
            known = (desired, observed, self.memory, self.now, absences)
            shown = changes(*known, wall=self.wall)
            assert [one.change for one in shown.apps] == [app.change for app in again.apps]
            for app, twice in zip(made.apps, again.apps, strict=True):
                if app.desired is None:
                    continue
                assert twice.memory == app.memory, "the memory does not settle"
                assert twice.memory is self.memory[app.app], "it is written at each look"
                assert twice.actions == app.actions, "not settled, or by order"
                assert twice.events == (), "told twice"
        self._check_next_look(made, desired, absences)

    def _decided(
        self, desired: Desired, observed: Observed, absences: Mapping[str, Absence] | None
    ) -> list[Decision]:
        """As the controller asks."""
        whole = Moment.of(
            *(observed, self.now, {}), loads={}, wall=self.wall, journal=JournalState()
        )
        moment = replace(whole, standings=standings(desired, self.memory, whole))
        return [*map(_decision_of, decide(desired, self.memory, moment, absences))]

    def _check_next_look(
        self, made: Plan, desired: Desired, absences: Mapping[str, Absence] | None
    ) -> None:
        """With nothing else changed, the plan is the same until just before that moment."""
        moments = [app.look_again_at for app in made.apps if app.look_again_at is not None]
        later = min(moments) - 1e-3 if moments else self.now + 50 * 3600
        if later <= self.now:
            return
        observed = Observed(self._looked_at(), inherited=INHERITED)
        again = plan(desired, observed, self.memory, later, absences, wall=self.wall)
        for app, then in zip(made.apps, again.apps, strict=True):
            assert then.actions == app.actions, "time alone changed the plan"


def run_of(made: AppPlan, number: int = -1) -> Run:
    """A run that is remembered, by place."""
    return made.memory.runs[number]


def reasons(host: JobHost) -> Iterator[str]:
    """The reasons of all events so far."""
    yield from (event.reason for event in host.events)


def _decision_of(made: Decision) -> Decision:
    """It, without what a person is shown."""
    return Decision(*(getattr(made, field.name) for field in fields(Decision)))
