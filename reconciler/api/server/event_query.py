"""What a request for events asks for: filters, how many, from where on, and in which form."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Values
from reconciler.api.server.parameters import flag, moment, whole_number
from reconciler.model.state.event import Severity
from reconciler.state import resume
from reconciler.state.event_filter import EventFilter

_TYPES: dict[str, Severity] = {"normal": "Normal", "warning": "Warning"}


@dataclass(frozen=True, slots=True)
class EventQuery:
    """One request."""

    wanted: EventFilter
    limit: int = 100
    """How many past events; of no meaning with a position."""
    position: str | None = None
    """The id of the last event that the client has read."""
    follow: bool = False
    as_stream: bool = False
    """As server-sent events."""


def query_of(parameters: Values, headers: Values) -> EventQuery:
    """RefusedError where something is not valid."""
    as_stream = "text/event-stream" in headers.get("accept", "")
    after = _position("after", parameters.get("after"))
    return EventQuery(
        EventFilter(
            apps=tuple(parameters.getlist("app")),
            reasons=tuple(parameters.getlist("reason")),
            type=_type(parameters.get("type")),
            since=moment("since", parameters.get("since")),
            audit=flag("audit", parameters.get("audit")),
        ),
        limit=whole_number("limit", parameters.get("limit", "100")),
        position=_position("Last-Event-ID", headers.get("last-event-id")) or after,
        follow=as_stream or flag("follow", parameters.get("follow")),
        as_stream=as_stream,
    )


def _type(text: str | None) -> Severity | None:
    if text is None:
        return None
    found = _TYPES.get(text.lower())
    if found is None:
        raise RefusedError("type must be Normal or Warning", 400)
    return found


def _position(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        resume.parse(text)
    except ValueError as error:
        raise RefusedError(f"{name}: {error}", 400) from None
    return text
