"""A controller's view of the host that lags, and tells twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.model.state.observed import Exit, ProcessId, Tag
from tests.loop.simulated.processes import Processes


@dataclass
class Observation:
    """How well the host is seen."""

    lag: Callable[[], float] = lambda: 0.0
    """Seconds until an end is heard of: asked for each, so that they overtake each other."""
    is_double: Callable[[], bool] = lambda: False
    """Whether an end is told twice."""


class UnreliableProcesses(Processes):
    """``seen`` says what goes wrong."""

    def __init__(self, *arguments: Any) -> None:
        *others, self._seen = arguments
        super().__init__(*others)
        self._due: dict[str, float] = {}
        """By nonce, when the end of its main process is heard of: that of a child comes later."""

    def main_ended(self, nonce: str, exit: Exit, child: ProcessId | None) -> None:
        for _ in range(2 if self._seen.is_double() else 1):
            self._later(
                nonce, lambda: super(UnreliableProcesses, self).main_ended(nonce, exit, child)
            )

    def child_ended(self, tag: Tag) -> None:
        self._later(tag.nonce, lambda: super(UnreliableProcesses, self).child_ended(tag))

    def _later(self, nonce: str, tell: Callable[[], None]) -> None:
        now = self._host.clock.now
        when = max(now + self._seen.lag(), self._due.get(nonce, 0.0))
        if when == now:
            tell()
            return
        self._due[nonce] = when

        def late() -> None:
            if self._host.shown is self:
                tell()

        self._host.clock.at(when, late)
