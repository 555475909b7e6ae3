"""The work queue: names of apps to look at again.

Guarantees (client-go's ``workqueue``): an app is worked on by one worker at a time; added while
it waits, it is worked on once; added while it is worked on, it is worked on again after. An
app may be added for later; of several moments the earliest counts. Nothing ticks while idle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class WorkQueue:
    """Not for threads: all calls from the event loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        self._loop = loop
        self._clock = clock
        self._ready: deque[str] = deque()
        self._dirty: set[str] = set()
        self._working: set[str] = set()
        self._again: set[str] = set()
        self._later: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        self._getters: deque[asyncio.Future[None]] = deque()

    def add(self, name: str) -> None:
        """Look at ``name`` soon."""
        if name in self._dirty:
            return
        self._dirty.add(name)
        if name not in self._working:
            self._push(name)

    def add_after(self, name: str) -> None:
        """Look at ``name`` soon, but let the worker that has it finish first."""
        if name in self._working:
            self._again.add(name)
        else:
            self.add(name)

    def add_at(self, name: str, when: float) -> None:
        """Look at ``name`` at ``when`` (the clock's seconds), or earlier if already asked for."""
        known = self._later.get(name)
        if known is not None:
            if known[0] <= when:
                return
            known[1].cancel()
        wait = max(0.0, when - self._clock())
        self._later[name] = (when, self._loop.call_later(wait, self._due, name))

    @property
    def depth(self) -> int:
        """How many names wait to be taken."""
        return len(self._ready)

    def is_dirty(self, name: str) -> bool:
        """Whether ``name`` was added since it was last taken."""
        return name in self._dirty

    async def get(self) -> str:
        """The next name; it must be given back with ``done``."""
        while not self._ready:
            getter = self._loop.create_future()
            self._getters.append(getter)
            await getter
        name = self._ready.popleft()
        self._dirty.discard(name)
        self._working.add(name)
        return name

    def done(self, name: str) -> None:
        """``name`` was worked on; if it was added meanwhile, it is ready again."""
        self._working.discard(name)
        if name in self._dirty:
            self._again.discard(name)
            self._push(name)
        elif name in self._again:
            self._again.discard(name)
            self.add(name)

    def idle(self) -> bool:
        """Nothing is ready or being worked on (later moments do not count)."""
        return not self._ready and not self._working

    def close(self) -> None:
        """Forget all moments to come."""
        for _, timer in self._later.values():
            timer.cancel()
        self._later.clear()

    def _push(self, name: str) -> None:
        self._ready.append(name)
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _due(self, name: str) -> None:
        del self._later[name]
        self.add(name)
