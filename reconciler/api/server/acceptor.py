"""One listening socket: connections are accepted at once, those of guests one at a time.

Guests have a socket of their own (``--api-group``), which rests after each of them. So a guest that
connects and leaves as fast as it can costs a few hundredths of the loop, and fills a queue of the
kernel's in which only guests wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

_AT_ONCE = 16
"""Connections let in before the rest of the loop has its turn."""
_GAP = 0.005
"""Seconds of rest after a guest, whether it was let in or not: 200 a second."""
_OUT_OF_FILES = 1.0
"""Seconds until the next try, where the kernel had no descriptor or memory for a connection."""


class Acceptor:
    """``admit`` takes a connection, which is its from then on, and says whether it is a guest's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        admit: Callable[[socket.socket], bool],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._admit = admit
        self._rest: asyncio.TimerHandle | None = None
        self._open()

    def close(self) -> None:
        """Close the listener: no connection is accepted any more."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _open(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listener, self._ready)

    def _ready(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._close_for(_OUT_OF_FILES)
                return
            if self._admit(connection):
                self._close_for(_GAP)
                return

    def _close_for(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._rest = self._loop.call_later(seconds, self._open)
