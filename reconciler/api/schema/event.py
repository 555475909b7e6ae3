"""Events, and lines of output: what is streamed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.api.schema.base import Document, Moment, Seconds, Whole


class Port(Document):
    """A port on which a process could not listen."""

    number: int
    holder: str | None = Field(description="The process that has it: `node (pid 7)`.")


class Exit(Document):
    """How a process ended."""

    code: int | None
    signal: str | None = Field(description="`SIGSEGV`.")
    uptime_seconds: Seconds | None
    stderr: list[str] = Field(description="The last lines, masked.")
    core: str | None = Field(description="The core file that it left.")
    port: Port | None


class Actor(Document):
    """The user who asked for a change, and how."""

    verb: str = Field(description="`restart`, `scale`, …; `edit`: a manifest was edited by hand.")
    user: str | None
    uid: int | None
    commit: str | None = Field(description="What is checked out where the manifests are.")


class EventDocument(Document):
    """One event. `docs/events.md` lists the reasons."""

    id: str | None = Field(description="To go on from; none of what is told to one reader only.")
    time: Moment
    app: str = Field(description="Empty: of the controller itself.")
    instance: int | None
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    exit: Exit | None
    by: Actor | None


class LogLine(Document):
    """One line of output, or a notice in the place of lines."""

    at: Moment | None = Field(description="None where the log has no times.")
    app: str = Field(description="`APP:build` of a build.")
    instance: Whole | None = Field(description="None where the log does not tell.")
    stream: Literal["stdout", "stderr", "notice"]
    line: str = Field(description="Secrets are masked; of a very long line the beginning.")
    position: str | None = Field(description="For `before` and `after`; the id in a stream.")
