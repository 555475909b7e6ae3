"""Work that may wait for a disk or for /proc, beside the event loop, with a deadline.

In daemon threads of its own: one that a dead network file system holds forever holds neither the
loop, nor the other threads of asyncio, nor the controller's end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from reconciler.system.work import threads

Result = TypeVar("Result")


class Aside:
    """At most ``most`` calls are under way at a time, those that hang included."""

    def __init__(self, most: int = 4) -> None:
        self._free = threading.Semaphore(most)

    async def run(self, call: Callable[[], Result], seconds: float) -> Result | None:
        """What ``call`` returns; None where it takes longer, fails, or all threads are taken."""
        if not self._free.acquire(blocking=False):
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result | None] = loop.create_future()

        def put(result: Result | None) -> None:
            if not answer.done():
                answer.set_result(result)

        def work() -> None:
            result: Result | None = None
            try:
                result = call()
            except OSError:
                pass  # it is gone, or not to be read: there is nothing to say of it
            finally:
                self._free.release()
                try:
                    loop.call_soon_threadsafe(put, result)
                except RuntimeError:
                    pass  # the loop has ended meanwhile

        try:
            threads.start(work, name="recon-aside")
        except OSError:  # no more threads just now
            self._free.release()
            return None
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            return None
