"""What a look at a server of Nomad finds: plain data, on which the plan and the status are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.targets.nomad.answers import (
    Allocation,
    Deployment,
    Evaluation,
    Job,
    JobPlan,
)
from reconciler.targets.nomad.handed import PART_OF, Handed, is_made


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable of Nomad that differs from what is declared."""

    name: str
    is_there: bool
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """The variables at one path."""

    path: str
    items: Mapping[str, str] = field(repr=False)
    wanted: Mapping[str, str] = field(repr=False)
    index: int
    """For check-and-set; 0 where there is nothing at this path."""

    def differences(self) -> list[Secret]:
        names = sorted(self.items.keys() | self.wanted.keys())
        return [
            Secret(name, name in self.items, name in self.wanted)
            for name in names
            if self.items.get(name) != self.wanted.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An app that is declared, what is there of it, and what the server would make of it."""

    app: str
    handed: Handed
    live: Job | None
    """Also one that was stopped."""
    answer: JobPlan = field(default_factory=JobPlan)
    refusal: str = ""
    """Why the server would not take the job."""
    stored: tuple[Stored, ...] = ()

    @property
    def is_foreign(self) -> bool:
        """There is a job of this name that recon did not make, or that another directory did."""
        if self.live is None or self.live.stop:
            return False
        if not is_made(self.live.meta):
            return True
        other = self.live.meta.get(PART_OF)
        return other is not None and other != self.handed.job["Meta"].get(PART_OF)

    @property
    def secrets(self) -> list[Secret]:
        return [one for stored in self.stored for one in stored.differences()]


@dataclass(frozen=True, slots=True)
class Run:
    """A job that a periodic one started."""

    id: str
    status: str
    submitted_at: int
    """Nanoseconds since 1970."""
    allocations: tuple[Allocation, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """A job that is there, and what the server made of it; all by their age, the newest first."""

    job: Job
    allocations: tuple[Allocation, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    runs: tuple[Run, ...] = ()
    restored: int | None = None
    """The version that Nomad put back by itself, because the one after it failed."""

    @property
    def deployment(self) -> Deployment | None:
        """Of the version that is in force."""
        of_version = (one for one in self.deployments if one.job_version == self.job.version)
        return next(of_version, None)

    @property
    def blocked(self) -> Evaluation | None:
        """The evaluation that found no place for some instances, while they still wait."""
        waiting = {one.id for one in self.evaluations if one.status == "blocked"}
        failed = (one for one in self.evaluations if one.failed_tg_allocs)
        return next((one for one in failed if one.blocked_eval in waiting), None)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look."""

    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    lives: Mapping[str, Live] = field(default_factory=dict)
    """By app: of all that recon made, of this directory as far as that is known, and of what
    stands in the way of a declared app."""
