"""Long answers are made in turns: after ``SLICE`` of work the rest of the loop goes on.

So a look at ten thousand apps holds up nothing. What is looked at may change between two turns:
each row is as of the moment at which it was made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

SLICE = 0.002
"""Seconds of work before the loop may go on."""


class Turn:
    """Time taken from the loop."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._seconds = 0.0

    async def pause(self) -> None:
        """Let the loop go on if this has lasted."""
        now = time.perf_counter()
        if now - self._began > SLICE:
            self._seconds += now - self._began
            await asyncio.sleep(0)
            self._began = time.perf_counter()

    def end(self) -> float:
        """Seconds in all."""
        return self._seconds + time.perf_counter() - self._began


async def in_turns(turn: Turn, items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """What ``work`` makes of each item. The items are asked for one by one, too."""
    made = []
    for item in items:
        made.append(work(item))
        await turn.pause()
    return made
