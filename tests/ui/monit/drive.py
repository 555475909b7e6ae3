"""Driving the monitor without a terminal: keys in, the screen as text out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual.pilot import Pilot

from reconciler.ui.monit.monitor import Monitor
from tests.ui.monit.fake import NOW, FakeClient, FakeLive, OwnClient, screen

PATIENCE = 20.0
"""Seconds; only a test that fails waits so long."""


class Driver:
    """A monitor that runs, and the hands and eyes of a user."""

    def __init__(self, app: Monitor, pilot: Pilot[Any], client: FakeClient, live: FakeLive) -> None:
        self.app, self.pilot, self.client, self.live = app, pilot, client, live

    async def press(self, *keys: str) -> None:
        """Press keys; ``type:web`` is one for each letter."""
        for key in keys:
            await self.pilot.press(*(key[5:] if key.startswith("type:") else [key]))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"not in time:\n{self.text}"
            await self.pilot.pause(0.01)

    async def sees(self, *texts: str, gone: str = "") -> str:
        """Wait until all these stand on the screen; the screen."""
        await self.until(
            lambda: all(text in self.text for text in texts) and not (gone and gone in self.text)
        )
        return self.text

    async def settled(self, text: str) -> str:
        """Wait until it stands there and the screen stays as it is: a scroll bar comes a frame
        later than what it scrolls."""
        before, same = "", 0
        while same < 5:
            now = await self.sees(text)
            same = same + 1 if now == before else 0
            before = now
            await self.pilot.pause(0.02)
        return before

    @property
    def text(self) -> str:
        return screen(self.app)


def drive(
    work: Callable[[Driver], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    client: FakeClient | None = None,
    **options: Any,
) -> None:
    """Run ``work`` on a monitor of the shop."""
    asked = client or FakeClient()
    live = FakeLive(asked)

    async def run() -> None:
        app = Monitor(live, asked, own_client=partial(OwnClient, asked), now=lambda: NOW, **options)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            await work(Driver(app, pilot, asked, live))

    asyncio.run(run())
