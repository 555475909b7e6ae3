"""The lines of one app for one browser, as they are written.

A thread reads them from the controller; at most ``_MOST`` wait for the browser, of more the oldest
are left out and counted. When the browser leaves, the connection is closed under the thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from reconciler.api.errors import ClientError

_MOST = 2000
_TOGETHER = 0.15
"""Seconds in which lines are gathered into one message."""
_AGAIN = 1.0
"""Seconds until a controller that left is tried again."""

Lines = Iterator[dict[str, Any]]


class LogStream:
    """Reads in a thread of its own. ``opened`` begins to follow; ``close`` ends that at once."""

    def __init__(self, opened: Callable[[], Lines], close: Callable[[], None]) -> None:
        self._opened = opened
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._stir = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._left_out = 0
        self._ended = threading.Event()

    async def batches(self) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        """How many lines were left out, and the lines that came since."""
        threading.Thread(target=self._read, name="log-stream", daemon=True).start()
        try:
            while not self._ended.is_set():
                await self._stir.wait()
                await asyncio.sleep(_TOGETHER)
                self._stir.clear()
                with self._lock:
                    lines, self._waiting = [*self._waiting], deque(maxlen=_MOST)
                    left_out, self._left_out = self._left_out, 0
                if lines:
                    yield left_out, lines
        finally:
            self._ended.set()
            self._close()

    def _read(self) -> None:
        """Until the browser has left; EventSource of the browser begins again after an error."""
        try:
            for line in self._opened():
                if self._ended.is_set():
                    return
                self._add(line)
        except ClientError:
            pass
        if not self._ended.wait(_AGAIN):
            self._ended.set()
            self._wake()

    def _add(self, line: dict[str, Any]) -> None:
        with self._lock:
            is_first = not self._waiting
            self._left_out += len(self._waiting) == _MOST
            self._waiting.append(line)
        if is_first:
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._stir.set)
        except RuntimeError:
            self._ended.set()  # the process is ending
