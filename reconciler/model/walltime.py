"""Wall time, for what goes by the calendar. All else is reckoned in boot seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WallTime:
    """How the host's clock reads, as of one look at it: it may be set at any moment."""

    offset: float = 0.0
    """Seconds since 1970 at boot second 0."""
    zone: str = "UTC"
    """The host's time zone, as the tz database names it."""

    def at(self, boot: float) -> float:
        """Seconds since 1970 at a boot second."""
        return boot + self.offset

    def boot(self, wall: float) -> float:
        """The boot second of a moment in seconds since 1970."""
        return wall - self.offset
