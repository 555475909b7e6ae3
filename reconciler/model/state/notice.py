"""A notification on its way: what it says, and for whom. Kept in the journal until it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a message is about, in one word. A contract: webhooks and commands get it."""

    PROBLEM = "problem"
    RECOVERY = "recovery"
    EVENT = "event"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message for one target."""

    id: str
    """The same at each try: a receiver that has seen it drops it."""
    target: str
    """The target's name in the Settings."""
    created_at: float
    """Wall seconds."""
    kind: Kind
    subject: str
    """One line."""
    text: str
    """Plain text, fit for any service: without links, markup and control characters."""
    items: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    """The same for programs, one a problem, recovery or event."""
