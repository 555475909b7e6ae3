"""What the history of an instance says about it, beyond how it is now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leak:
    """Memory that has grown steadily, with no sign of an end."""

    rate: float
    """Bytes a second."""
    since: float
    """Boot seconds from which on it was seen to grow."""
    left: float | None
    """Seconds until `limits.memory` was to be reached, when it was told; None: no limit."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The events that were sent for one instance."""

    leak: Leak | None = None
    saturated_since: float | None = None
    """Boot seconds from which on it has used all of a core; None: it does not."""
    busy_since: float | None = None
    """The same, whether that is long enough to be told or not."""
