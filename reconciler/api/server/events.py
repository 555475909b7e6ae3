"""`GET /v1/events`: the timeline as lines of JSON, or as a stream of server-sent events.

A stream goes on where its reader was (``Last-Event-ID``), over a restart of the controller too.
What is past is read from the journal by the page, as fast as it is taken; what is to come waits in
a queue with bounds. A stream whose reader is too slow ends, with a last event that says so: the
reader can connect again and go on from there. One that reads nothing at all is cut off.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import ExitStack, aclosing
from functools import lru_cache, partial

from reconciler.api.asgi.request import Receive, Request, Scope, Send
from reconciler.api.asgi.response import Response, Stream
from reconciler.api.documents.event import event_document
from reconciler.api.documents.iso import iso
from reconciler.api.server.event_query import EventQuery, query_of
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason
from reconciler.state.event_filter import EventFilter
from reconciler.state.history import History
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.resume import Resumed

UNREAD = 1000
"""Events that wait for a client that follows them."""
PATIENCE = 30.0
"""Seconds in which a client that fell behind must take what was sent; then it is cut off."""
_PAGE = 200
"""Events that are read from the journal at a time: 2 ms of the loop."""
_STREAM = "text/event-stream"
_RETRY = b"retry: 1000\n\n"
"""Milliseconds after which a browser comes back."""


async def events(request: Request, history: History) -> Response:
    """Answer with the events that are asked for."""
    query = query_of(request.query_params, request.headers)
    return _Answer(_timeline(history, query, request.scope["recon.abort"]), query.as_stream)


class _Answer(Stream):
    """Sends a timeline, and ends it however the client leaves."""

    def __init__(self, timeline: AsyncGenerator[RecordedEvent, None], as_stream: bool) -> None:
        self._timeline = timeline
        if as_stream:
            headers = {"Cache-Control": "no-store"}
            super().__init__(_frames(timeline), media_type=_STREAM, headers=headers)
        else:
            super().__init__(_lines(timeline), media_type="application/x-ndjson")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._timeline):
            await super().__call__(scope, receive, send)


class Follower:
    """A queue of new events for one client."""

    def __init__(self, wanted: EventFilter, on_behind: Callable[[], None]) -> None:
        """``on_behind`` is called when the first event is lost."""
        self._wanted = wanted
        self._on_behind = on_behind
        self._waiting: deque[RecordedEvent] = deque()
        self._ready = asyncio.Event()
        self.lost = 0
        """Events for which there was no room, since this was last set to 0."""

    def put(self, recorded: RecordedEvent) -> None:
        """Have an event sent, or counted."""
        if not self._wanted.matches(recorded.event, recorded.at):
            return
        if self.lost or len(self._waiting) >= UNREAD:
            self.lost += 1
            if self.lost == 1:
                self._on_behind()
        else:
            self._waiting.append(recorded)
        self._ready.set()

    async def take(self) -> RecordedEvent | None:
        """The next event; None where those that follow were lost."""
        while not self._waiting:
            if self.lost:
                return None
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft()


async def _timeline(
    history: History, query: EventQuery, abort: Callable[[], object]
) -> AsyncGenerator[RecordedEvent, None]:
    """What one client reads: what is past, then what comes. ``abort`` ends its connection."""
    with ExitStack() as stack:
        after = history.before_newest(query.wanted, query.limit)
        if query.position is not None:
            resumed = history.resume(query.position, query.wanted.apps)
            after = resumed.after
            if resumed.lost:
                yield _notice(EventReason.EVENTS_LOST, _what_is_lost(resumed))
        follower = Follower(query.wanted, partial(_cut_off_later, query, abort))
        is_past = True
        while is_past:
            page = history.events_after(query.wanted, after, _PAGE)
            is_past = len(page) == _PAGE
            if not is_past and query.follow:  # before anything else can happen
                stack.callback(history.listen(follower.put))
            for recorded in page:
                yield await history.completed(recorded)
                after = recorded.id
        while query.follow:
            taken = await follower.take()
            if taken is not None:
                yield await history.completed(taken)
                continue
            yield _notice(EventReason.EVENTS_LEFT_OUT, _what_is_left_out(follower.lost, query))
            if query.as_stream:
                return
            follower.lost = 0


def _cut_off_later(query: EventQuery, abort: Callable[[], object]) -> None:
    """A stream fell behind: its client must take what was sent, or the connection is cut."""
    if query.as_stream:
        asyncio.get_running_loop().call_later(PATIENCE, abort)


async def _lines(timeline: AsyncIterator[RecordedEvent]) -> AsyncGenerator[bytes, None]:
    """As JSON, one object a line."""
    async for recorded in timeline:
        yield _json(recorded) + b"\n"


async def _frames(timeline: AsyncIterator[RecordedEvent]) -> AsyncGenerator[bytes, None]:
    """As server-sent events. What is not an event of the journal has no id to come back with."""
    yield _RETRY
    async for recorded in timeline:
        id = f"id: {recorded.position}\n".encode() if recorded.id else b""
        yield id + b"data: " + _json(recorded) + b"\n\n"


@lru_cache(maxsize=64)
def _json(recorded: RecordedEvent) -> bytes:
    """One event as JSON in ASCII, the same for all clients."""
    return json.dumps(event_document(recorded), separators=(",", ":")).encode()


def _notice(reason: str, message: str) -> RecordedEvent:
    """A notice for one client only."""
    return RecordedEvent(0, time.time(), Event("", reason, message, "Warning"))


def _what_is_lost(resumed: Resumed) -> str:
    since = f"; it begins at {iso(resumed.oldest)}" if resumed.oldest is not None else ""
    return f"some events that followed the last one read are no longer in the journal{since}"


def _what_is_left_out(count: int, query: EventQuery) -> str:
    if not query.as_stream:
        return f"{count} events are missing here: they came faster than they were read"
    message = "this client is too slow, so the stream ends here"
    return f"{message}: {UNREAD} events wait; connect again with Last-Event-ID to go on"
