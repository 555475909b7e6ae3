"""One declared App or Job at one moment: what every judgement of it is made from.

``plan`` makes it first, with what was remembered. Each step of the plan takes a situation and
returns the one after it. None is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from reconciler.diff.core import history, replicas, returning
from reconciler.diff.core.documents import Documents
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.replicas import Replicas
from reconciler.model.host.load import Verdicts
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, JournalState
from reconciler.model.state.observed import Observed, PortHeld, Process
from reconciler.model.state.revision import Revision, same_revision
from reconciler.model.state.standing import UNDECLARED, Standing, Wait
from reconciler.model.state.walltime import WallTime
from reconciler.model.words.record import replace


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the host: what is the same for every app."""

    now: float
    """Boot seconds, as all times where nothing else is said."""
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """Of the apps that others depend on."""
    observed: Observed = field(default_factory=Observed)
    processes: Mapping[str, Sequence[Process]] = field(default_factory=dict)
    """By app."""
    ports: Mapping[str, Sequence[PortHeld]] = field(default_factory=dict)
    """By app: ports of its instances that others hold."""
    wall: WallTime = field(default_factory=WallTime)
    journal: JournalState = field(default_factory=JournalState)
    loads: Verdicts = field(default_factory=dict)
    refused: Set[str] = frozenset()
    """Apps that the host does not let start just now."""
    documents: Documents = field(default_factory=Documents, compare=False)
    """Those that were written for earlier plans (``diff.memo``)."""

    @classmethod
    def of(
        cls,
        observed: Observed,
        now: float,
        standings: Mapping[str, Standing],
        *,
        loads: Verdicts,
        wall: WallTime,
        journal: JournalState,
        refused: Set[str] = frozenset(),
    ) -> Moment:
        """The moment at which this is observed."""
        processes: dict[str, list[Process]] = {}
        for process in observed.processes:
            processes.setdefault(process.tag.app, []).append(process)
        ports: dict[str, list[PortHeld]] = {}
        for one in observed.ports:
            ports.setdefault(one.probed.app, []).append(one)
        return cls(now, standings, observed, processes, ports, wall, journal, loads, refused)

    @property
    def blank(self) -> AppMemory:
        """What is remembered of an app of which nothing is."""
        return AppMemory(recall=self.journal.unremembered)


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What the situation of an App and that of a Job have in common."""

    app: Workload
    processes: Sequence[Process]
    before: AppMemory
    """What was remembered when the pass began."""
    memory: AppMemory
    """What the steps until now have made of it."""
    moment: Moment
    now: float
    events: tuple[Event, ...] = ()
    """What is to be told, oldest first."""
    waiting: Wait | None = None
    """For which dependencies its start waits."""

    def after(self, memory: AppMemory, *events: Event) -> Self:
        """The situation in which this is remembered, and told besides."""
        if memory is self.memory and not events:
            return self
        return replace(self, memory=memory, events=(*self.events, *events))

    @property
    def revision(self) -> Revision:
        """The revision that the manifest declares."""
        return self.memory.revisions[-1]

    @property
    def is_new_revision(self) -> bool:
        """The manifest declares another revision than when the pass began."""
        before = self.before.revisions
        return not before or before[-1].number != self.revision.number


@dataclass(frozen=True, slots=True, eq=False)
class JobSituation(Situation):
    """One declared Job at one moment."""

    app: DesiredJob

    @classmethod
    def of(
        cls, app: DesiredJob, processes: Sequence[Process], memory: AppMemory, moment: Moment
    ) -> JobSituation:
        """The situation before anything is judged. The processes are put in order."""
        order = sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce))
        return cls(app, order, memory, memory, moment, moment.now)


@dataclass(frozen=True, slots=True, eq=False)
class AppSituation(Situation):
    """One declared App at one moment."""

    app: DesiredApp
    """With as many instances as may run (``admission``)."""
    held: Hold | None = None
    """What holds its rollout."""
    _sorted: _Sorted | None = None

    @classmethod
    def of(
        cls, app: DesiredApp, processes: Sequence[Process], memory: AppMemory, moment: Moment
    ) -> AppSituation:
        """The situation before anything is judged."""
        return cls(app, processes, memory, memory, moment, moment.now)

    @property
    def replicas(self) -> Replicas:
        """Its processes against the revision that should run. Sorted when first asked for."""
        known, memory = self._sorted, self.memory
        if known is not None and known.memory is memory:
            return known.replicas
        if known is not None and known.is_of(memory):
            found = known.replicas
        else:
            spec = self.app.spec
            found = replicas.sort(spec, self._target, self.processes, memory, self.now)
            found = returning.with_returning(spec, found, memory, self.now)
        object.__setattr__(self, "_sorted", _Sorted(memory, found))
        return found

    def seen_as(self, shown: Replicas) -> AppSituation:
        """The situation in which these are its replicas."""
        return replace(self, _sorted=_Sorted(self.memory, shown))

    @property
    def acting(self) -> Replicas:
        """What the strategies calculate with: while a rollout is held, what is held is current."""
        return self.held.replicas if self.held is not None else self.replicas

    @property
    def builder(self) -> Standing | None:
        """How the Job that builds it stands; None where there is none."""
        if self.app.builder is None:
            return None
        return self.moment.standings.get(self.app.builder.name, UNDECLARED)

    @property
    def conflict(self) -> str:
        """Why one of its sockets is unavailable, a sentence."""
        return self.moment.observed.conflicts.get(self.app.name, "")

    @property
    def ports(self) -> Sequence[PortHeld]:
        """Ports of its instances that others hold."""
        return self.moment.ports.get(self.app.name, ())

    @property
    def _target(self) -> str | None:
        """The hash that should run; None where nothing may."""
        known = self.memory.revisions
        if not known or not same_revision(known[-1].hash, self.app.hash):
            return self.app.hash  # the next step notes it
        aim = history.target(self.memory)
        return aim.hash if aim is not None else None


class _Sorted(NamedTuple):
    """The processes, sorted, and the memory that they were sorted by."""

    memory: AppMemory
    replicas: Replicas

    def is_of(self, memory: AppMemory) -> bool:
        """All that the replicas are made from is the same in another memory."""
        known = self.memory
        return (
            known.revisions is memory.revisions
            and known.ended is memory.ended
            and known.left is memory.left
            and known.leaving is memory.leaving
            and known.evictions is memory.evictions
            and known.restart_requested_at == memory.restart_requested_at
        )
