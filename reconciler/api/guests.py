"""Members of the API's group share the loop fairly: they may look, and not starve it.

A guest is anybody but root and the user that recon runs as. Each has so many connections at a time,
and one answer at a time; after an answer the next waits for as long as keeps the guest at a tenth
of the loop. What a follower has not read is bounded as well (``routes``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

MOST: Final = 16
"""Connections of one user at a time."""
_REST: Final = 9.0
"""Times as long as its answer took, a guest waits for the next one."""


class Guests:
    """All guests, by user id."""

    def __init__(self) -> None:
        self._connections: Counter[int] = Counter()
        self._turns: dict[int, asyncio.Lock] = {}

    def enter(self, uid: int) -> bool:
        """Whether one more connection of this user is served; then ``leave`` is to be called."""
        if self._connections[uid] >= MOST:
            return False
        self._connections[uid] += 1
        return True

    def leave(self, uid: int) -> None:
        self._connections[uid] -= 1
        if not self._connections[uid]:
            del self._connections[uid]

    async def turn(self, uid: int) -> Turn:
        """Wait until this user is answered; the caller ends the turn."""
        lock = self._turns.setdefault(uid, asyncio.Lock())
        await lock.acquire()
        return Turn(lock)


class Turn:
    """The time in which one answer is made."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock: asyncio.Lock | None = lock
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def end(self) -> None:
        """The answer is made; once more has no effect."""
        lock, self._lock = self._lock, None
        if lock is not None:
            self._loop.call_later(_REST * (self._loop.time() - self._began), lock.release)
