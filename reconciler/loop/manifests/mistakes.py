"""Mistakes in manifests, as events: each told once when it comes, and once when it is corrected."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.model.state.desired import Problem
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason


class Mistakes:
    """What is wrong with the manifests, as it was last told."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._reported: frozenset[Problem] = frozenset()

    def tell(self, problems: Iterable[Problem]) -> None:
        """Tell what differs from the last time."""
        now = frozenset(problems)
        for problem in sorted(now - self._reported):
            self._on_event(Event("", EventReason.MANIFEST_INVALID, str(problem), "Warning"))
        wrong = {problem.file for problem in now}
        for file in sorted({problem.file for problem in self._reported} - wrong):
            self._on_event(Event("", EventReason.MANIFEST_VALID, f"{file}: the mistake is fixed"))
        self._reported = now
