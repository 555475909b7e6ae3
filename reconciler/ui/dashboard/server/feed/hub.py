"""From one view of the controller to the pages of all browsers.

While a browser shows a page, each snapshot is made into the next state of that page, once, in a
thread. While none does, the controller is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.feed.channel import Channel
from reconciler.ui.dashboard.server.feed.reader import NoSuchAppError, Reader
from reconciler.ui.dashboard.server.views import View
from reconciler.ui.dashboard.views.frame import frame
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.live.live import Live
from reconciler.ui.live.snapshot import Snapshot

_LINGER = 20.0
"""Seconds that the controller is looked at after the last browser has left."""
_FIRST = 5.0
"""Seconds that a page waits for the first answer of the controller."""
_MOST = 64
"""Pages that are kept while no browser shows them."""


class Hub:
    """All channels. Only used in the event loop."""

    def __init__(self, live: Live, reader: Reader) -> None:
        self._live = live
        self.reader = reader
        self._channels: dict[View, Channel] = {}
        self._stir = asyncio.Event()
        self._used_at = time.monotonic()
        self._rests = False

    async def run(self) -> None:
        """Follow until cancelled."""
        loop = asyncio.get_running_loop()
        leave = self._live.on_change(lambda _: loop.call_soon_threadsafe(self._stir.set))
        self._live.start()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stir.wait(), _LINGER)
                self._stir.clear()
                await self._refresh_all()
                self._rest_if_unused()
        finally:
            leave()
            self._live.stop()

    async def snapshot(self) -> Snapshot:
        """The newest; where the controller was left alone, a new one."""
        self._used_at = time.monotonic()
        found = self._live.snapshot
        if self._rests:
            self._rests = False
            self._live.rest(False)
            return await asyncio.to_thread(self._live.changed, found.number, _FIRST)
        if found.number == 0:
            return await asyncio.to_thread(self._live.changed, 0, _FIRST)
        return found

    async def page(self, view: View) -> tuple[str, Pieces]:
        """The page as it is now, and the name of that state.

        NoSuchAppError; ClientError where nothing is known."""
        snapshot = await self.snapshot()
        channel = self._channels.setdefault(view, Channel())
        await self._refresh(view, channel, snapshot)
        self._forget_unused()
        return channel.newest

    async def changes(self, view: View, state: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """What leads from that state of a page to the newest, again and again."""
        channel = self._channels.setdefault(view, Channel())
        channel.followers += 1
        try:
            with contextlib.suppress(ClientError, NoSuchAppError):
                await self._refresh(view, channel, await self.snapshot())
            while True:
                state, change = await channel.after(state)
                yield state, change
        finally:
            channel.followers -= 1
            self._used_at = time.monotonic()

    async def look(self, app: str | None) -> None:
        """A person has changed something: see to it that it is shown."""
        if app is not None:
            self.reader.forget(app)
        before = self._live.snapshot.number
        self._live.look()
        await asyncio.to_thread(self._live.changed, before, _FIRST)

    async def _refresh_all(self) -> None:
        snapshot = self._live.snapshot
        for view, channel in [*self._channels.items()]:
            if channel.followers:
                with contextlib.suppress(ClientError, NoSuchAppError):
                    await self._refresh(view, channel, snapshot)

    async def _refresh(self, view: View, channel: Channel, snapshot: Snapshot) -> None:
        """Make the state of this snapshot, if that is not done yet."""
        async with channel.turn:
            if channel.number >= snapshot.number:
                return
            pieces = await asyncio.to_thread(_made, view, snapshot, self.reader)
            channel.number = snapshot.number
            channel.publish(pieces)

    def _rest_if_unused(self) -> None:
        if any(channel.followers for channel in self._channels.values()):
            self._used_at = time.monotonic()
        elif not self._rests and time.monotonic() - self._used_at > _LINGER:
            self._rests = True
            self._live.rest()

    def _forget_unused(self) -> None:
        idle = [view for view, channel in self._channels.items() if not channel.followers]
        for view in idle[: max(0, len(idle) - _MOST)]:
            del self._channels[view]


def _made(view: View, snapshot: Snapshot, reader: Reader) -> Pieces:
    found = view.pieces(snapshot, reader)
    return Pieces({**frame(snapshot), **found.html}, found.order)
