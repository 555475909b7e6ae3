"""Events: the timeline people read. Kubernetes' reasons where it has one (``EventReason``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class EndDetails:
    """How a process ended, for machines. Bounded: events of it may come often."""

    code: int | None = None
    signal: str = ""
    """``SIGSEGV``; empty where no signal ended it."""
    uptime: float | None = None
    """Seconds that it ran."""
    stderr: tuple[str, ...] = ()
    """The last lines that it wrote to stderr, masked; of an end that is a success none."""
    core: str = ""
    """The core file that it left."""
    port: int | None = None
    """The port on which it could not listen."""
    holder: str = ""
    """The process that has that port: ``node (pid 7)``."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who requested a change, and how."""

    verb: str
    """The verb of the API (``restart``), or ``edit`` where a manifest was edited."""
    uid: int | None = None
    user: str = ""
    """The user's name, where it is known."""
    commit: str = ""
    """Of the manifests' repository: the commit that is checked out."""


@dataclass(frozen=True, slots=True)
class Event:
    app: str
    """Empty for an event of the controller itself."""
    reason: str
    """CamelCase, one word for machines: Started, Killing, BackOff, Unhealthy, …"""
    message: str
    """A sentence for people."""
    type: Severity = "Normal"
    instance: int | None = None
    end: EndDetails | None = None
    """Of an event that a process has ended."""
    by: Actor | None = None
    """Of a change that a person asked for."""
