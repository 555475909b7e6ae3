"""One event as JSON: what `events -o json`, the stream and `describe` show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.api.documents.iso import iso
from reconciler.model.state.event import Actor, EndDetails, Event
from reconciler.state.journal.events import RecordedEvent

ENDS = 20
"""Of an app that are looked at for its last crash: stops that were asked for are among them."""


def event_document(recorded: RecordedEvent) -> dict[str, Any]:
    """One event. ``exit`` is there where a process ended, ``by`` where a person asked for it; what
    is told to one reader only, as that events were lost, has no ``id``."""
    event = recorded.event
    return {
        "id": recorded.position if recorded.id else None,
        "time": iso(recorded.at),
        "app": event.app,
        "instance": event.instance,
        "type": event.type,
        "reason": event.reason,
        "message": event.message,
        "exit": _exit(event.end) if event.end is not None else None,
        "by": _by(event.by) if event.by is not None else None,
    }


def last_crash(ends: Iterable[RecordedEvent]) -> dict[str, Any] | None:
    """The newest of these ends (oldest first) that was a crash or a failure."""
    crashes = [one for one in ends if _is_crash(one.event)]
    return event_document(crashes[-1]) if crashes else None


def _is_crash(event: Event) -> bool:
    """A try of a Job that fails is not a warning: it may be tried again."""
    end = event.end
    if end is None or event.reason == "Stopped":
        return False
    return event.type == "Warning" or bool(end.signal or end.stderr)


def _exit(end: EndDetails) -> dict[str, Any]:
    return {
        "code": end.code,
        "signal": end.signal or None,
        "uptimeSeconds": end.uptime,
        "stderr": [*end.stderr],
        "core": end.core or None,
        "port": {"number": end.port, "holder": end.holder or None} if end.port else None,
    }


def _by(actor: Actor) -> dict[str, Any]:
    return {
        "verb": actor.verb,
        "user": actor.user or None,
        "uid": actor.uid,
        "commit": actor.commit or None,
    }
