"""The controller and its host, and short answers."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from reconciler.api.schema.actions import Body
from reconciler.api.schema.base import Document, Moment, Versioned, Whole
from reconciler.model.state.memory import JournalHealth


class Version(Versioned):
    """`GET /v1/version`."""

    version: str
    pid: int
    manifests: str
    state_dir: str
    profile: str | None


class Journal(Versioned):
    """`GET /v1/journal`."""

    state: JournalHealth
    message: str
    remedy: str


class KeptOutput(Versioned):
    """`GET /v1/output`: what keeps output while no controller runs. As `model.host.held`."""

    is_kept: bool = Field(description="False in a container of which recon is the first process.")
    streams: Whole = 0
    unheld: Whole = Field(0, description="Streams that the kernel refused to keep.")
    pid: int | None = Field(None, description="Of the process that keeps them.")
    ended: Whole = Field(0, description="How often it was killed since the controller began.")
    reason: str | None = Field(None, description="The error that the kernel gave, as EMFILE.")
    limit: Whole = Field(0, description="Descriptors that may be on their way, or open.")


class Facts(Document):
    """What the host lets the controller do. Names are those of `model.host.facts`."""

    model_config = ConfigDict(extra="allow")

    uid: int
    cores: Whole
    memory: Whole = Field(description="Bytes; 0: not known.")


class Host(Versioned):
    """`GET /v1/host`."""

    facts: Facts


class Applied(Versioned):
    """`POST /v1/apply`."""

    problems: list[str] = Field(description="What is wrong with the manifests, as sentences.")


class Down(Versioned):
    """`POST /v1/down`: the controller leaves when everything is stopped."""


class Target(Document):
    """Where notifications go."""

    name: str
    kind: str
    address: str = Field(description="A file, a program, or a masked URL.")
    reasons: list[str]
    apps: list[str]
    severity: str
    waiting: Whole
    sent: Whole
    given_up: Whole
    dropped: Whole
    failing: bool
    last_error: str | None
    last_sent_at: Moment | None
    last_error_at: Moment | None
    next_try_at: Moment | None


class Sender(Document):
    """The process that sends."""

    pid: int | None
    message: str | None


class Notifications(Versioned):
    """`GET /v1/notifications`."""

    process: Sender
    targets: list[Target]


class TestBody(Body):
    """The targets that get a test; none: all."""

    targets: list[str] = Field([])


class TestResult(Document):
    """How a test went."""

    target: str
    error: str | None


class TestAnswer(Versioned):
    """`POST /v1/notifications/test`."""

    results: list[TestResult]


class OpenApi(Document):
    """`GET /v1/openapi.json`: an OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str
