"""What is to be done once, soon, however often it is asked for meanwhile: by kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

Work = Callable[[], Coroutine[None, None, None]]


class Scheduler:
    """Timers and tasks of the loop, at most one of each kind."""

    def __init__(self, loop: asyncio.AbstractEventLoop, failed: str) -> None:
        """``failed``: what is logged of a task that failed, before its kind."""
        self._loop = loop
        self._failed = failed
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, Work] = {}

    def later(self, kind: str, wait: float, call: Callable[[], None]) -> bool:
        """Call once after ``wait`` seconds; of several calls of one kind the first counts. Whether
        this is the first."""
        if kind in self._timers:
            return False

        def due() -> None:
            del self._timers[kind]
            call()

        self._timers[kind] = self._loop.call_later(wait, due)
        return True

    def begin(self, kind: str, work: Work) -> None:
        """Have it done; again where it is under way, and may have missed what is there now."""
        if kind in self._tasks:
            self._again[kind] = work
            return
        task = self._tasks[kind] = self._loop.create_task(work())
        task.add_done_callback(partial(self._ended, kind))

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks.values():
            task.cancel()

    def _ended(self, kind: str, task: asyncio.Task[None]) -> None:
        del self._tasks[kind]
        work = self._again.pop(kind, None)
        if work is not None and not task.cancelled():
            self.begin(kind, work)
        if not task.cancelled() and task.exception() is not None:
            message = f"{self._failed} ({kind})"
            self._loop.call_exception_handler({"message": message, "exception": task.exception()})
