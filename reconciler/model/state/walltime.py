"""Wall time, for what goes by the calendar. All else is in boot seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WallTime:
    """How the host's clock reads, as of one look at it: it may be set at any moment."""

    offset: float = 0.0
    """Seconds since 1970 at boot second 0."""
    zone: str = "UTC"
    """The host's time zone, as the tz database names it."""
    forward: float = 0.0
    """Seconds by which the clock was last set forward."""
    forward_at: float | None = None
    """Boot second at which that was seen; None: it was not, as far as is known."""

    def at(self, boot: float) -> float:
        """Seconds since 1970 at a boot second."""
        return boot + self.offset

    def came(self, wall: float) -> float:
        """The boot second at which a moment came: where the clock was set forward over it, then."""
        at = self.boot(wall)
        if self.forward_at is not None and self.forward_at - self.forward < at < self.forward_at:
            return self.forward_at
        return at

    def boot(self, wall: float) -> float:
        """The boot second of a moment in seconds since 1970."""
        return wall - self.offset
