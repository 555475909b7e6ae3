"""What is remembered of the problems of a target's apps, and of what waits to be sent.

All of it is in the journal as one text, so that neither the controller's end nor kill -9 repeats or
loses a message. Times are wall seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError


@dataclass(slots=True)
class Happening:
    """What was seen last of something that is worth a message."""

    reason: str
    message: str
    severity: str
    began_at: float
    last_at: float
    count: int = 1
    revision: int | None = None
    end: dict[str, Any] | None = None
    """How a process ended, as ``EndDetails`` has it."""

    def again(self, at: float, reason: str, message: str, severity: str) -> None:
        """It has happened again."""
        self.count += 1
        self.last_at, self.reason, self.message = max(self.last_at, at), reason, message
        self.severity = severity


@dataclass(slots=True)
class Incident:
    """A problem of an app, from its first event until its end was sent."""

    app: str
    kind: str
    """Of ``ProblemKind``."""
    seen: Happening
    gap: float = 0.0
    """Longest time between two of its events, seconds."""
    reported: bool = False
    """There is a message that it began."""
    reported_at: float = 0.0
    is_due_again: bool = False
    """It has happened again so much later that there is to be another message."""
    ending: str = ""
    """What ended it, a sentence; empty while nothing has."""


@dataclass(slots=True)
class Single:
    """An event that is worth a message, and of no problem."""

    app: str
    seen: Happening
    quiet_until: float = 0.0
    """It was in a message, and is not repeated before this time."""


@dataclass(slots=True)
class GroupState:
    """Of one target."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    """By app and kind of problem (``key``)."""
    singles: dict[str, Single] = field(default_factory=dict)
    """By app and reason."""
    since: float | None = None
    """When the first of what waits now came up."""
    tokens: float = 0.0
    tokens_at: float | None = None
    """None: no message was sent yet, and all tokens are there."""
    number: int = 0
    """Messages so far."""
    dropped: int = 0
    """Messages that were given up since the last one that was made."""
    left_out: int = 0
    """Problems and events that there was no room for since the last message."""

    def to_text(self) -> str:
        """As the journal keeps it."""
        return encoded(self)

    @classmethod
    def from_text(cls, text: str | None) -> GroupState:
        """What ``to_text`` wrote; an empty one where that cannot be read."""
        try:
            return _adapter().validate_json(text or "")
        except (ValidationError, RecursionError):
            return cls()


def key(app: str, word: str) -> str:
    """No name of an app holds a slash."""
    return f"{app}/{word}"


def encoded(record: object) -> str:
    """A record of these classes as JSON. ``asdict`` would copy all of it, and take ten times as
    long: this is called on the controller's loop."""
    return json.dumps(record, default=_fields, separators=(",", ":"))


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


@cache
def _adapter() -> TypeAdapter[GroupState]:
    return TypeAdapter(GroupState)
