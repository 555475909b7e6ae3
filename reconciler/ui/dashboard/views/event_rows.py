"""Events as rows, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from reconciler.api.documents.timeline import subject_of
from reconciler.render.events import actor_of
from reconciler.ui.dashboard.views.templates import render

Event = Mapping[str, Any]
_MOST_LINES = 10


def events_in(events: Iterable[Event]) -> dict[str, str]:
    """By id: a row an event, the newest first."""
    found: dict[str, str] = {}
    for event in reversed([*events]):
        key = "ev-" + (event["id"] or f"{event['time']}-{event['reason']}")
        found[key] = _row(key, _Event(event))
    return found


class _Event:
    """An event that can be a key: what has happened does not change."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self._key = (event["id"], event["time"], event["reason"], event["message"])

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Event) and self._key == other._key


@lru_cache(maxsize=2048)
def _row(key: str, one: _Event) -> str:
    event = one.event
    exit = event.get("exit") or {}
    return render(
        "event.html",
        id=key,
        event=event,
        subject=subject_of(event["app"], event["instance"]),
        actor=actor_of(event["by"]) if event.get("by") else "",
        core=exit.get("core") or "",
        port=exit.get("port"),
        stderr=(exit.get("stderr") or [])[-_MOST_LINES:],
    )
