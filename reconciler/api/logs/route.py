"""`GET /v1/logs/{app}`: lines of JSON, or server-sent events with the lines' positions as ids.

A stream (``Accept: text/event-stream``) goes on where its reader was (``Last-Event-ID``). A reader
of a stream that takes nothing for a while is cut off, and can come back; one that reads lines of
JSON may pause as long as it likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from reconciler.api.actions.lookup import unknown
from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Receive, Request, Scope, Send
from reconciler.api.asgi.response import Response, Stream
from reconciler.api.logs.lines import encoded, notice
from reconciler.api.logs.reader import MOST, Documents, LogReader
from reconciler.api.logs.wanted import Wanted, wanted_of
from reconciler.logs.read.request import Cursor, Past
from reconciler.loop.controller import Controller
from reconciler.system.work.worker import WorkerError

PATIENCE = 30.0
"""Seconds in which the reader of a stream must take what was sent."""
_RETRY = b"retry: 1000\n\n"
_STREAM = "text/event-stream"


class LogsRoute:
    """The logs of the apps of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._reader = LogReader(controller)

    async def answer(self, request: Request) -> Response:
        """Answer with the lines that are asked for."""
        app = request.path_params["app"]
        root = self._controller.options.paths.root
        wanted = wanted_of(app, root, request.query_params, request.headers)
        if wanted.follow and self._reader.following >= MOST:
            raise RefusedError(f"{MOST} clients follow logs already; try again later", 503)
        first, cursor = await self._reader.first(wanted)
        declared = self._controller.declared()
        if not first.is_known and app not in declared:
            raise RefusedError(unknown(app, declared), 404)
        return _Answer(self._batches(wanted, first, cursor), wanted, request.scope["recon.abort"])

    async def _batches(
        self, wanted: Wanted, first: Past, cursor: Cursor | None
    ) -> AsyncGenerator[Documents, None]:
        """What one client reads: what is past, then what comes."""
        try:
            if wanted.after is None:
                async with aclosing(self._reader.past(wanted, first, cursor)) as past:
                    async for batch in past:
                        yield batch
            if cursor is not None:
                async with aclosing(self._reader.coming(wanted, cursor)) as coming:
                    async for batch in coming:
                        yield batch
        except WorkerError as error:
            yield [notice(wanted.query.app, f"the logs cannot be read any more: {error}")]


class _Answer(Stream):
    """Sends batches, and ends them however the client leaves."""

    def __init__(
        self,
        batches: AsyncGenerator[Documents, None],
        wanted: Wanted,
        abort: Callable[[], object],
    ) -> None:
        self._batches = batches
        if wanted.as_stream:
            headers = {"Cache-Control": "no-store"}
            super().__init__(_frames(batches, abort), media_type=_STREAM, headers=headers)
        else:
            super().__init__(_lines(batches), media_type="application/x-ndjson")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._batches):
            await super().__call__(scope, receive, send)


async def _lines(batches: AsyncIterator[Documents]) -> AsyncGenerator[bytes, None]:
    """As JSON, one object a line."""
    async for batch in batches:
        if batch:
            yield b"".join(encoded(document) + b"\n" for document in batch)


async def _frames(
    batches: AsyncIterator[Documents], abort: Callable[[], object]
) -> AsyncGenerator[bytes, None]:
    """As server-sent events. A notice has no id to come back with."""
    yield _RETRY
    async for batch in batches:
        if not batch:
            continue
        # This goes on when the client has taken it.
        late = asyncio.get_running_loop().call_later(PATIENCE, abort)
        try:
            yield b"".join(_frame(document) for document in batch)
        finally:
            late.cancel()


def _frame(document: dict[str, object]) -> bytes:
    is_line = document["stream"] != "notice"
    id = f"id: {document['position']}\n".encode() if is_line else b""
    return id + b"data: " + encoded(document) + b"\n\n"
