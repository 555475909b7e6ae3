"""Work beside the screen, in threads that no quit waits for: a question to the controller may take
15 s, and a look at a dead file system may take any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def beside(work: Callable[[], None], name: str) -> None:
    """Run ``work`` in a thread of its own; it ends with the program."""
    Thread(target=work, name=name, daemon=True).start()


async def answer(question: Callable[[], T], name: str) -> T:
    """What ``question`` returns or raises, without holding up the screen."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set: Callable[[], None]) -> None:
        if not future.done():  # the screen that asked may be closed
            set()

    def run() -> None:
        try:
            found = question()
        except Exception as error:
            reason = error
            done = lambda: future.set_exception(reason)  # noqa: E731
        else:
            done = lambda: future.set_result(found)  # noqa: E731
        try:
            loop.call_soon_threadsafe(settle, done)
        except RuntimeError:  # the monitor has ended meanwhile
            pass

    beside(run, name)
    return await future
