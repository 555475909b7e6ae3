"""Server-sent events: what changes on a page, and the lines of logs.

A browser that does not read for ``_PATIENCE`` is cut off; it comes back by itself (EventSource),
says which state of the page it has, and is sent what leads from there to the newest.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from reconciler.ui.dashboard.server.feed.hub import Hub
from reconciler.ui.dashboard.server.feed.log_stream import LogStream
from reconciler.ui.dashboard.server.views import View
from reconciler.ui.dashboard.views.pieces import portions
from reconciler.ui.dashboard.views.text.log_lines import gap, html_of

_PATIENCE = 20
"""Seconds that one message may take to be read."""
_PING = 15
_RETRY = 1000
"""Milliseconds until a browser comes back."""


def changes_of(hub: Hub, view: View, state: str) -> Response:
    """The stream of one page, from the state that a browser has."""

    async def messages() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data="{}", retry=_RETRY)
        async for name, change in hub.changes(view, state):
            parts = portions(change)
            for part in parts[:-1]:
                yield _event(part)
            if parts:
                yield _event(parts[-1], name)

    return _answer(messages())


def lines_of(stream: LogStream, search: str) -> Response:
    """The stream of a log."""

    async def messages() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data="[]", retry=_RETRY)
        async for left_out, lines in stream.batches():
            rows = ([gap(left_out)] if left_out else []) + html_of(lines, search)
            yield ServerSentEvent(data=json.dumps(rows, ensure_ascii=True))

    return _answer(messages())


def _event(part: object, name: str | None = None) -> ServerSentEvent:
    return ServerSentEvent(data=json.dumps(part, separators=(",", ":")), id=name)


def _answer(messages: AsyncIterator[ServerSentEvent]) -> Response:
    return EventSourceResponse(messages, ping=_PING, send_timeout=_PATIENCE)
