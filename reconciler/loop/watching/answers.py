"""Paths that do not answer: no look goes there until they do again.

Whether one does is asked by a worker process, which can be ended, more and more rarely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.system.work.look import ANSWER, PATIENCE, reach
from reconciler.system.work.worker import Workers

_ASK_FIRST = 1.0
_ASK_LAST = 60.0
"""Seconds until a path is asked again: at first, and in the end."""


class Answers:
    """``missing`` tells of a path that did not answer; listeners hear when one answers again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, workers: Workers) -> None:
        self._loop = loop
        self._workers = workers
        self._waits: dict[str, float] = {}
        """By path that did not answer once: the seconds until it is asked again."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._listeners: list[Callable[[], None]] = []
        self.unanswered: frozenset[str] = frozenset()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have it called whenever a path answers again."""
        self._listeners.append(listener)

    def missing(self, path: str) -> None:
        """This did not answer, and what lies in the same place does not either."""
        path = reach(path)
        if path not in self.unanswered:
            self.unanswered |= {path}
            wait = self._waits.setdefault(path, _ASK_FIRST)
            self._timers[path] = self._loop.call_later(wait, self._ask, path)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _ask(self, path: str) -> None:
        self._waits[path] = min(2 * self._waits[path], _ASK_LAST)
        answer = self._workers.call(ANSWER, path, owner=path, seconds=PATIENCE)
        answer.add_done_callback(lambda answer: self._answered(path, answer))

    def _answered(self, path: str, answer: asyncio.Future[bool]) -> None:
        if answer.cancelled():
            return
        if answer.exception() is not None:
            self._timers[path] = self._loop.call_later(self._waits[path], self._ask, path)
            return
        del self._timers[path]
        self.unanswered -= {path}
        for listener in self._listeners:
            listener()
