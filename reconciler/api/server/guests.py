"""Members of the API's group share the loop fairly: they may look, and not starve it.

A guest is any user but root and the user that recon runs as. Each has so many connections at a
time, all of them together not many more, and each one answer at a time; after an answer the next
waits for as long as keeps the guest at a tenth of the loop. What a follower has not read is bounded
as well (``routes``), and how fast guests can come (``acceptor``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

MOST: Final = 16
"""Connections of one user at a time."""
ALL: Final = 64
"""Connections of all guests at a time. Root and recon's own user are not counted."""
_REST: Final = 9.0
"""Times as long as its answer took, a guest waits for the next one."""


class Guests:
    """All guests, by user id."""

    def __init__(self) -> None:
        self._connections: Counter[int] = Counter()
        self._turns: dict[int, asyncio.Lock] = {}

    def enter(self, uid: int) -> str:
        """Why one more connection of this user is not served, a sentence; empty where it is, and
        ``leave`` is to be called then."""
        if self._connections[uid] >= MOST:
            return f"user {uid} has {MOST} connections open already; close some of them"
        if self._connections.total() >= ALL:
            return f"{ALL} connections of guests are open already; try again later, or as root"
        self._connections[uid] += 1
        return ""

    def leave(self, uid: int) -> None:
        self._connections[uid] -= 1
        self._forget(uid)

    async def turn(self, uid: int) -> Turn:
        """Wait until this user is answered; the caller ends the turn."""
        lock = self._turns.setdefault(uid, asyncio.Lock())
        await lock.acquire()
        return Turn(lambda: self._over(uid, lock))

    def _over(self, uid: int, lock: asyncio.Lock) -> None:
        lock.release()
        self._forget(uid)

    def _forget(self, uid: int) -> None:
        """Drop the entry of a user without connections whose rest is over."""
        if self._connections[uid] <= 0:
            del self._connections[uid]
            lock = self._turns.get(uid)
            if lock is not None and not lock.locked():
                del self._turns[uid]


class Turn:
    """The time in which one answer is made."""

    def __init__(self, over: Callable[[], object]) -> None:
        """``over`` is called when the next one may be answered."""
        self._over: Callable[[], object] | None = over
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def end(self) -> None:
        """The answer is made; a second call has no effect."""
        over, self._over = self._over, None
        if over is not None:
            self._loop.call_later(_REST * (self._loop.time() - self._began), over)
