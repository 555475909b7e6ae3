"""Which events to show: the same rule for past events and for those to come."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.state.event import Event, Severity


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All that is set must hold; of several names one."""

    apps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    type: Severity | None = None
    since: float | None = None
    """Wall seconds."""
    audit: bool = False
    """Only changes that a person asked for."""
    ended: bool = False
    """Only ends of processes, with their details."""

    def matches(self, event: Event, at: float) -> bool:
        """Whether an event of that time is wanted."""
        return (
            (not self.apps or event.app in self.apps)
            and (not self.reasons or event.reason in self.reasons)
            and (self.type is None or event.type == self.type)
            and (self.since is None or at >= self.since)
            and (not self.audit or event.by is not None)
            and (not self.ended or event.end is not None)
        )
