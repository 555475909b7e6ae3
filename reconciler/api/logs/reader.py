"""Logs read for one client, slice by slice, by worker processes: no file is touched on the loop.

A slice is read when the one before was taken. So a client that is slow, or reads nothing, costs
one slice, and misses no line as long as its files are there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from typing import Any, Final

from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.documents.iso import iso
from reconciler.api.logs.lines import documents, notice
from reconciler.api.logs.wanted import Wanted
from reconciler.logs.read.request import (
    BEGIN,
    COMING,
    PAST,
    PRINTS,
    BeginOrder,
    Coming,
    ComingOrder,
    Cursor,
    Line,
    Page,
    Past,
    PastOrder,
    Position,
)
from reconciler.loop.controller import Controller
from reconciler.system.work.worker import Shared, WorkerError

MOST: Final = 256
"""Clients that follow logs at a time."""
_SECONDS = 15.0
"""Of work for one slice, which takes half a second where the disk answers."""
_SEARCH = 10.0
"""Seconds after which a search shows what it has found."""
_BATCH = 50
"""Lines that are sent at a time."""
_PAUSE = 0.2
"""Seconds between the first new line and the look for it: others may follow."""
_LOOK = 10.0
"""Seconds between two looks where nothing is heard: a log may be another program's."""

Documents = list[dict[str, Any]]


class LogReader:
    """Reads for all clients of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._shared: Shared | None = None
        self.following = 0
        """Clients that follow now."""

    async def first(self, wanted: Wanted) -> tuple[Past, Cursor | None]:
        """The first slice, and where following begins. RefusedError where there is none."""
        try:
            cursor: Cursor | None = None
            if wanted.follow or wanted.after is not None:
                cursor = await self._work(BEGIN, BeginOrder(wanted.query, wanted.after))
            if wanted.after is not None:
                return Past((), (), None, True, bool(cursor)), cursor
            order = PastOrder(wanted.query, wanted.lines, wanted.before, cursor)
            return await self._work(PAST, order), cursor
        except WorkerError as error:
            raise RefusedError(f"the logs cannot be read now: {error}", 503) from None

    async def past(
        self, wanted: Wanted, found: Past, cursor: Cursor | None
    ) -> AsyncGenerator[Documents, None]:
        """The past lines, oldest first. ``found``: their first slice.

        The logs are read from their end, so the oldest lines are found last. Of what does not fit
        into one slice only the places are kept, and each slice is read again as it is sent.
        """
        until = time.monotonic() + _SEARCH
        newest, pages = found.lines, [*found.pages]
        count = len(newest) + sum(page.lines for page in pages)
        while not found.is_complete and time.monotonic() < until:
            before = found.before
            order = PastOrder(wanted.query, wanted.lines - count, before, cursor)
            found = await self._work(PAST, order)
            own = [Page(before, len(found.lines))] if before is not None and found.lines else []
            pages += [*own, *found.pages]
            count += sum(page.lines for page in (*own, *found.pages))
        if not found.is_complete and found.before is not None:
            yield [_not_all(wanted.query.app, found.before)]
        for page in reversed(pages):
            async for batch in self._page(wanted, page, cursor):
                yield batch
        for batch in self._batches(newest[::-1], wanted):
            yield batch

    async def _page(
        self, wanted: Wanted, page: Page, cursor: Cursor | None
    ) -> AsyncGenerator[Documents, None]:
        """The lines of one page."""
        lines: list[Line] = []
        before: Position | None = page.before
        while len(lines) < page.lines and before is not None:
            order = PastOrder(wanted.query, page.lines - len(lines), before, cursor)
            found: Past = await self._work(PAST, order)
            lines += found.lines
            # What did not fit any more is read next.
            before = found.pages[0].before if found.pages else found.before
            if found.is_complete and not found.pages:
                break
        for batch in self._batches(tuple(reversed(lines)), wanted):
            yield batch

    def _batches(self, lines: tuple[Line, ...], wanted: Wanted) -> Iterator[Documents]:
        """What is sent at a time: the rest waits as it is, and is small."""
        for at in range(0, len(lines), _BATCH):
            yield documents(lines[at : at + _BATCH], wanted.query, self._controller.redact)

    async def coming(self, wanted: Wanted, cursor: Cursor) -> AsyncGenerator[Documents, None]:
        """The lines behind the cursor, and with ``follow`` those to come."""
        query, count = wanted.query, 0
        with ExitStack() as stack:
            ready = asyncio.Event()
            if wanted.follow:
                self.following += 1
                stack.callback(self._ended)
                owner = query.app.partition(":")[0]
                stack.callback(self._controller.written.listen(owner, ready.set))
            while True:
                ready.clear()
                found: Coming = await self._work(COMING, ComingOrder(query, cursor))
                cursor = found.cursor
                if found.lost:
                    yield [notice(query.app, "lines are missing here: their files are gone")]
                lines = found.lines if wanted.follow else found.lines[: wanted.lines - count]
                count += len(lines)
                for batch in self._batches(lines, wanted):
                    yield batch
                if not wanted.follow and (found.is_complete or count >= wanted.lines):
                    return
                if found.is_complete:
                    await self._heard(ready)

    def _ended(self) -> None:
        self.following -= 1

    async def _heard(self, ready: asyncio.Event) -> None:
        """Until there is something to look for. The more clients, the more rarely each looks."""
        try:
            async with asyncio.timeout(_LOOK):
                await ready.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_PAUSE * max(1.0, self.following / 10))

    async def _work(self, task: str, order: object) -> Any:
        prints = self._controller.redact.fingerprints()
        if self._shared is None or self._shared.value is not prints:
            version = 0 if self._shared is None else self._shared.version + 1
            self._shared = Shared(PRINTS, version, prints)
        workers = self._controller.log_workers
        return await workers.call(task, order, owner="logs", seconds=_SECONDS, shared=self._shared)


def _not_all(app: str, before: Position) -> dict[str, Any]:
    """What a client needs to go on with a long search."""
    message = f"looked at the lines since {iso(before.key)}; ask with before for earlier ones"
    return {**notice(app, message), "position": str(before)}
