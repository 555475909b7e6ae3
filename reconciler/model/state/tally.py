"""What a controller has counted since its start: for metrics, of which no decision is made.

Counting must cost next to nothing: a few numbers an app, none an instance. An app that is removed
takes its numbers with it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

EXITS: Final = (
    *("Stopped", "Unhealthy", "Outgrown", "OOMKilled", "LeftBehind"),
    *("Signal", "Error", "Completed", "Unknown"),
)
"""Why processes end (``loop.processes.ends``)."""
BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: the upper bounds of the buckets of ``Durations``; one more is for what took longer."""


@dataclass(slots=True)
class Durations:
    """How long something took, as a histogram."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    """Seconds of all together."""

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class ProbeTally:
    """Checks by one probe of an app."""

    succeeded: int = 0
    failed: int = 0
    seconds: float = 0.0
    """That all of them took."""

    def add(self, ok: bool, seconds: float) -> None:
        if ok:
            self.succeeded += 1
        else:
            self.failed += 1
        self.seconds += seconds


@dataclass(slots=True)
class AppTally:
    """What was counted of one app."""

    exits: dict[str, int] = field(default_factory=dict)
    """Ends of its processes, by reason (``loop.processes.ends``)."""
    probes: dict[str, ProbeTally] = field(default_factory=dict)
    """By role of the probe."""
    logged: dict[str, int] = field(default_factory=dict)
    """Bytes that were moved into its logs, by stream."""
    dropped: int = 0
    """Bytes of output that were lost, since no log could be written."""

    def exited(self, reason: str) -> None:
        self.exits[reason] = self.exits.get(reason, 0) + 1

    def probed(self, role: str, ok: bool, seconds: float) -> None:
        probe = self.probes.get(role)
        if probe is None:
            probe = self.probes[role] = ProbeTally()
        probe.add(ok, seconds)

    def wrote(self, stream: str, count: int) -> None:
        self.logged[stream] = self.logged.get(stream, 0) + count


class Tally:
    """All that was counted, by app; and the passes of the loop."""

    def __init__(self) -> None:
        self._apps: dict[str, AppTally] = {}
        self.passes = Durations()
        """From the moment that a worker takes an app until it gives it back."""
        self.failed_passes = 0

    def of(self, app: str) -> AppTally:
        found = self._apps.get(app)
        if found is None:
            found = self._apps[app] = AppTally()
        return found

    def forget(self, app: str) -> None:
        """The app was removed."""
        self._apps.pop(app, None)
