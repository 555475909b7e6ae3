"""How everything is: `GET /v1/status`, and the parts of it that other documents have."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.api.schema.base import Bytes, Document, Moment, Percent, Seconds, Versioned, Whole
from reconciler.api.schema.event import EventDocument
from reconciler.model.host.load import Shortage
from reconciler.model.state.desired import Reason
from reconciler.model.state.memory import JournalHealth, Outcome
from reconciler.model.state.observed import DriftKind
from reconciler.model.state.plan import Health, Sync

InstanceState = Literal[
    "running", "frozen", "stopping", "missing", "waiting", "backoff", "completed", "failed"
]


class Controller(Document):
    """The process that answers."""

    running: bool
    pid: int | None = Field(description="None where no controller runs.")
    version: str


class JournalPart(Document):
    """Whether recon's memory can be read and written."""

    state: JournalHealth
    message: str = Field(description="Empty where all is well.")
    remedy: str


class Mistake(Document):
    """What is wrong with a manifest, and where."""

    file: str
    line: Whole = Field(description="From 1; 0: of the file as a whole.")
    column: Whole
    path: str = Field(description="The field: `spec.env.PORT`.")
    message: str
    remedy: str
    apps: list[str] = Field(description="The apps of that file; empty: it is about no one app.")
    reason: Reason


class Condition(Document):
    """As a Deployment's condition in Kubernetes."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


class Drift(Document):
    """A difference between what runs and what is declared."""

    kind: DriftKind
    instance: str
    detail: str


class LastExit(Document):
    """How the process before ended."""

    code: int | None
    signal: str | None = Field(description="`SIGSEGV`.")
    reason: str | None
    fault: str | None = Field(description="Why it could not be started.")
    uptime_seconds: Seconds | None
    ended_at: Moment
    stderr: list[str] = Field([], description="Its last lines, masked; where the app is explained.")
    stdout: list[str] = Field([])


class Instance(Document):
    """One instance of an app, or one run of a Job."""

    name: str
    pid: int | None
    start_time: Moment | None
    state: InstanceState
    ready: bool
    revision: Whole = Field(description="0 where it is not remembered.")
    restarts: Whole
    uptime_seconds: Seconds | None
    rss_bytes: Bytes | None
    cpu_percent: Percent | None
    exit: str | None
    last_exit: LastExit | None
    status: str | None = Field(description="What the process says of itself (sd_notify STATUS=).")


class FromTo(Document):
    """Two numbers."""

    from_: int | None = Field(alias="from")
    to: int | None


class Load(Document):
    """A rise of the count of instances that waits for a confirmation."""

    reason: Shortage
    instances: FromTo
    needed: Whole = Field(description="Bytes, processes or descriptors, by `reason`.")
    room: int
    each: Whole
    measured: bool = Field(description="`each` was measured; else it is a guess.")
    apps: Whole


class Run(Document):
    """One run of a Job, or one build of an app."""

    number: Whole
    why: str
    scheduled_for: Moment | None
    started_at: Moment | None
    ended_at: Moment | None
    duration_seconds: float | None
    outcome: Outcome
    reason: str | None
    failures: Whole
    exit: str | None


class Output(Document):
    """What a process wrote last, masked."""

    stream: Literal["stdout", "stderr"]
    lines: list[str]


class Cause(Document):
    """Why an app is not well."""

    code: str
    message: str
    remedy: str
    instances: list[str]
    exit: str | None
    uptime_seconds: float | None
    output: Output | None


class Advice(Document):
    """What is valid in a manifest and is likely not meant."""

    path: str
    message: str


class Need(Document):
    """An app that this one depends on."""

    app: str
    condition: str


class AppState(Document):
    """One app or Job."""

    name: str
    kind: Literal["App", "Job"]
    labels: dict[str, str]
    depends_on: list[Need]
    sync: Sync
    health: Health
    desired: Whole
    ready: Whole
    updated: Whole
    available: Whole
    revision: Whole
    restarts: Whole
    message: str = Field(description="One sentence on how it is; empty where all is well.")
    conditions: list[Condition]
    drift: list[Drift]
    instances: list[Instance]
    load: Load | None
    next_run: Moment | None = Field(None, description="Of a Job: the next moment of its schedule.")
    runs: list[Run] = Field([], description="Of a Job.")
    last_crash: EventDocument | None = Field(None, description="Where the app is explained.")
    causes: list[Cause] = Field([], description="Where the app is explained.")
    advice: list[Advice] = Field([], description="Where the app is explained.")


class FailingTarget(Document):
    """Notifications that are not received."""

    target: str = Field(description="Empty: the process that sends has ended.")
    message: str


class Status(Versioned):
    """All apps."""

    controller: Controller
    journal: JournalPart
    apps: list[AppState]
    errors: list[Mistake]
    notifications: list[FailingTarget] = Field([])
