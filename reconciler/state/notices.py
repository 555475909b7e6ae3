"""How sending to each target goes, and what is grouped for it: one text in the journal.

The messages themselves are rows of their own (``journal.outbox``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from reconciler.diff.notices.incidents import GroupState, encoded

SETTING = "notices"
"""The name of the text."""


@dataclass(slots=True)
class TargetRecord:
    """Of one target. Times are wall seconds."""

    sent: int = 0
    given_up: int = 0
    dropped: int = 0
    last_sent_at: float | None = None
    last_error: str = ""
    """Empty since it was sent without one."""
    last_error_at: float | None = None
    next_at: float | None = None
    """When the next try is due."""
    is_failing: bool = False


@dataclass(slots=True)
class Remembered:
    """All that outlives the controller, beside the messages themselves."""

    position: str = ""
    """Of the last event that was taken into account."""
    records: dict[str, TargetRecord] = field(default_factory=dict)
    groups: dict[str, GroupState] = field(default_factory=dict)

    def to_text(self) -> str:
        return encoded(self)

    @classmethod
    def from_text(cls, text: str | None) -> Remembered:
        """What ``to_text`` wrote; empty where that cannot be read."""
        try:
            return TypeAdapter(Remembered).validate_json(text or "")
        except (ValidationError, RecursionError):
            return cls()
