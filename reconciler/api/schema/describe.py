"""One app in full, its runs, and what its instances use."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reconciler.api.schema.base import Bytes, Document, Moment, Percent, Seconds, Versioned, Whole
from reconciler.api.schema.event import EventDocument
from reconciler.api.schema.status import AppState, Controller, Mistake, Run
from reconciler.model.state.observed import RunState


class Source(Document):
    """Where it is declared."""

    file: str
    line: Whole


class Revision(Document):
    """One template that was applied."""

    number: Whole
    hash: str
    created_at: Moment
    good: bool = Field(description="It was fully rolled out once.")
    failed: str | None


class Leak(Document):
    """Memory that grows, by a trend over hours."""

    bytes_per_hour: int
    since: Moment | None
    seconds_left: int | None = Field(description="Until `limits.memory`; none without a limit.")


class Usage(Document):
    """What an instance uses."""

    app: str
    name: str
    pid: int
    state: RunState
    processes: Whole
    uptime_seconds: Seconds
    rss_bytes: Bytes
    cpu_percent: Percent
    limit_bytes: Bytes | None
    leak: Leak | None
    saturated_since: Moment | None = Field(description="It has used all the CPU it may since then.")
    outline_bytes: list[int] = Field(description="Memory since its start, oldest first, coarsely.")


class Samples(Document):
    """The last minutes."""

    every_seconds: float
    time: list[Moment]
    rss_bytes: list[int]
    cpu_percent: list[float]


class Buckets(Document):
    """The whole life of an instance, the older the coarser."""

    every_seconds: float
    time: list[Moment]
    low_bytes: list[int]
    high_bytes: list[int]
    cpu_percent: list[float]


class UsageHistory(Document):
    """What one instance has used."""

    name: str
    pid: int
    limit_bytes: Bytes | None
    leak: Leak | None
    saturated_since: Moment | None
    recent: Samples
    long: Buckets


class UsageList(Versioned):
    """`GET /v1/usage`."""

    controller: Controller
    instances: list[Usage]


class Description(Versioned):
    """`GET /v1/describe/{app}`."""

    app: AppState
    errors: list[Mistake]
    source: Source | None
    labels: dict[str, str]
    spec: dict[str, Any] = Field(description="With its defaults; of secrets where they come from.")
    secrets: list[str] = Field(description="The names of variables that hold secrets.")
    revisions: list[Revision]
    builds: list[Run]
    usage: list[UsageHistory]
    events: list[EventDocument]


class Runs(Versioned):
    """`GET /v1/runs/{app}`."""

    app: str
    runs: list[Run]
