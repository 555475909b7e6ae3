"""A plan: what one pass would do, what the whole way to the desired state is, how things stand.

The controller executes ``actions``; ``apply --dry-run`` prints ``change``; ``status`` prints
``status``. All three come from one judgement, that of ``diff.plan``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from reconciler.model.host.load import Withheld
from reconciler.model.spec.limits import Value
from reconciler.model.state.desired import Problem, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Run
from reconciler.model.state.observed import DriftKind, Exit, Process
from reconciler.model.state.standing import UNDECLARED, Standing
from reconciler.model.words.fields import Effect


@dataclass(frozen=True, slots=True)
class Start:
    """Start one instance. ``hash`` says which revision: the manifest's, or the last good one."""

    instance: int
    hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """Stop one process: preStop, signal, grace, SIGKILL."""

    process: Process
    reason: str


@dataclass(frozen=True, slots=True)
class Adjust:
    """Put limits in force on a process that runs, and on all that it has forked."""

    process: Process
    values: Mapping[str, Value]
    """By field of ``limits``."""
    changes: Mapping[str, str]
    """The same for people: ``limits.nice 0 → 5``."""


Action = Start | End | Adjust


class Sync(StrEnum):
    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class Health(StrEnum):
    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Drift:
    kind: DriftKind
    instance: str
    """The instance's name, e.g. ``backend-0``."""
    detail: str


@dataclass(frozen=True, slots=True)
class Condition:
    """As Kubernetes' DeploymentCondition."""

    type: Literal[
        "Available",
        "Progressing",
        "ReplicaFailure",
        "LogsDropped",
        "WatchHeld",
        "LimitsInForce",
        "DependenciesMet",
        "Removed",
        "LoadHeld",
        "Complete",
        "Failed",
        "Built",
    ]
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class LastExit:
    """How the process before this one ended."""

    exit: Exit | None
    """None: it could not be started."""
    fault: str
    """Why it could not be started, or had to be ended, a sentence."""
    at: float
    """When, in boot seconds."""
    uptime: float | None
    """Seconds that it ran; None where that is not known."""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    name: str
    process: Process | None
    state: str
    """running, frozen, stopping, missing, waiting, backoff, completed, failed. Of a Job, each run
    that is remembered is one."""
    ready: bool
    revision: int
    """0 where it is not remembered."""
    restarts: int
    exit: str
    """How the process before this one ended, for people; empty where none did."""
    last: LastExit | None = None
    """The same, typed."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What only a Job has."""

    runs: tuple[Run, ...]
    next_at: float | None
    """The next moment of its schedule, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class AppStatus:
    name: str
    kind: str
    sync: Sync
    health: Health
    desired: int
    ready: int
    updated: int
    available: int
    revision: int
    restarts: int
    message: str
    conditions: tuple[Condition, ...]
    drift: tuple[Drift, ...]
    instances: tuple[InstanceStatus, ...]
    job: JobStatus | None = None
    load: Withheld | None = None
    """The rise of its count of instances that waits for a confirmation."""
    labels: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[tuple[str, str], ...] = ()
    """The apps that it depends on, each with the condition."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs between two revisions. Values as people should see them (masked)."""

    path: str
    """Dotted, below ``spec``: ``env.LOG_LEVEL``."""
    before: Any
    after: Any
    """None: absent on that side."""
    effect: Effect


@dataclass(frozen=True, slots=True)
class Change:
    """The whole way of one app from observed to desired."""

    app: str
    action: Literal["create", "update", "delete", "none"]
    revision_from: int | None
    revision_to: int | None
    fields: tuple[FieldChange, ...]
    start: int
    replace: int
    stop: int
    unchanged: int
    notes: tuple[str, ...] = ()
    """Sentences below the fields: how instances are replaced, what is held back and why."""
    kind: Literal["App", "Job"] = "App"
    held: bool = False
    """It would be made, and waits for a person to confirm it or to correct something."""
    load: Withheld | None = None
    """What of it waits, where that is a rise of the count of instances."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The actions for one app now, and its new memory."""

    app: str
    desired: Workload | None
    """None: no manifest declares it (any more)."""
    actions: tuple[Action, ...]
    memory: AppMemory
    """To be remembered for the next pass."""
    events: tuple[Event, ...] = ()
    look_again_at: float | None = None
    """Boot seconds at which time alone changes the plan (backoff, minReady, deadline)."""
    standing: Standing = UNDECLARED
    """The standing of the app for its dependents."""


@dataclass(frozen=True, slots=True)
class AppPlan(Decision):
    """A decision, with what a person is shown of it."""

    change: Change = field(kw_only=True)
    status: AppStatus = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Plan:
    apps: tuple[AppPlan, ...]
    """By name."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class AppChange:
    """Of the plan of one app what changes."""

    app: str
    desired: Workload | None
    change: Change


@dataclass(frozen=True, slots=True)
class Changes:
    """Of a plan what changes."""

    apps: tuple[AppChange | AppPlan, ...]
    """By name."""
    problems: tuple[Problem, ...] = ()
