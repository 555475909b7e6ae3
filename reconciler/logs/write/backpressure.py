"""A log that cannot be written: what is kept, what is dropped, and what is reported.

Output waits in the FIFO as long as it fits. A program must never wait for a disk, so once the
FIFO is nearly full the oldest bytes in it go, up to the end of a line, and are counted. Writing
is tried again on a ladder of its own, and never counts as the app's failure.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.logs.write import fifo
from reconciler.model.host.fifo import FifoName
from reconciler.model.state.tally import Tally

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""Seconds between tries; each wait is twice the one before."""
_FIRST_LOOK, _LAST_LOOK = 0.02, 0.2
"""Seconds between looks at FIFOs that cannot be emptied into their logs."""
_LONGEST_TAIL = 65536


@dataclass(slots=True, eq=False)
class Trouble:
    """Why one stream is not written."""

    reason: str
    total: int
    """Bytes dropped since it began."""
    waits: bool = False
    """Its file system does not answer: nothing is dropped, the program waits."""
    delay: float = FIRST_RETRY
    timer: asyncio.TimerHandle | None = None


class Troubled(Protocol):
    """What is needed here of a tap (``pump.Tap``)."""

    @property
    def name(self) -> FifoName: ...
    @property
    def fd(self) -> int: ...

    lost: int
    trouble: Trouble | None


class Troubles:
    """The streams whose logs cannot be written now. Nothing runs here while there are none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        retry: Callable[[Any], None],
        on_trouble: Callable[[str, str | None], None],
        tally: Tally,
    ) -> None:
        self._tally = tally
        self._loop = loop
        self._retry = retry
        self._on_trouble = on_trouble
        self._apps: dict[str, list[Troubled]] = {}
        self._look: asyncio.TimerHandle | None = None

    def taps(self) -> Iterator[Any]:
        """All of them, in the order in which their trouble began within each app."""
        for taps in self._apps.values():
            yield from taps

    def add(self, tap: Troubled, reason: str, *, waits: bool = False) -> None:
        """Writing failed, for the first time or again: report it, and try again later."""
        trouble = self._note(tap, reason, waits)
        if self._look is None and not waits:
            self._look = self._loop.call_later(_FIRST_LOOK, self._relieve, _FIRST_LOOK)
        trouble.timer = self._loop.call_later(trouble.delay, self._retry, tap)
        trouble.delay = min(LAST_RETRY, trouble.delay * 2)

    def hang(self, tap: Troubled, reason: str) -> None:
        """Its chunk is under way, and takes too long: report it."""
        if tap.trouble is None or not tap.trouble.waits:
            self._note(tap, reason, True)

    def _note(self, tap: Troubled, reason: str, waits: bool) -> Trouble:
        if tap.trouble is None:
            tap.trouble = Trouble(reason, tap.lost)
            self._apps.setdefault(tap.name.app, []).append(tap)
        trouble = tap.trouble
        trouble.reason, trouble.waits = reason, waits
        lost = sum(other.trouble.total for other in self._apps[tap.name.app] if other.trouble)
        self._on_trouble(tap.name.app, sentence(reason, lost))
        return trouble

    def over(self, tap: Troubled) -> None:
        """The tap is written again, or gone."""
        if tap.trouble is None:
            return
        if tap.trouble.timer is not None:
            tap.trouble.timer.cancel()
        tap.trouble = None
        app = tap.name.app
        self._apps[app].remove(tap)
        if not self._apps[app]:
            del self._apps[app]
            self._on_trouble(app, None)

    def close(self) -> None:
        """Stop trying."""
        if self._look is not None:
            self._look.cancel()
        for tap in self.taps():
            if tap.trouble.timer is not None:
                tap.trouble.timer.cancel()

    def _relieve(self, wait: float) -> None:
        """See that no program waits for its FIFO; rarely while nothing has to be dropped.

        FIFOs are looked at rather than waited for: a large write that finds its FIFO full
        wakes no process.
        """
        dropped = 0
        taps = [tap for tap in self.taps() if not tap.trouble.waits]
        for tap in taps:
            count = relieve(tap.fd)
            tap.lost += count
            tap.trouble.total += count
            self._tally.of(tap.name.app).dropped += count
            dropped += count
        wait = _FIRST_LOOK if dropped else min(_LAST_LOOK, wait * 2)
        self._look = self._loop.call_later(wait, self._relieve, wait) if taps else None


def sentence(reason: str, lost: int) -> str:
    """What the app's condition says."""
    if not lost:
        return f"logs cannot be written: {reason} (nothing lost so far)"
    return f"logs are dropped: {reason} ({lost:,} bytes so far)"


def relieve(fd: int) -> int:
    """Make room in a FIFO that is nearly full. Bytes dropped; mostly 0.

    A quarter of the capacity stays, from the start of a line on.
    """
    size, held = fifo.capacity(fd), fifo.waiting(fd)
    # Pages may be full with few bytes in each: then the kernel's word counts, not the bytes.
    if held * 4 < size * 3 and _has_room(fd):
        return 0
    dropped = _drop(fd, max(held - size // 4, held // 2))
    last = b""
    for _ in range(_LONGEST_TAIL):
        if last == b"\n":
            break
        try:
            last = os.read(fd, 1)
        except BlockingIOError:
            break
        dropped += 1
    return dropped


def _has_room(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


def _drop(fd: int, count: int) -> int:
    sink = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    try:
        return os.splice(fd, sink, count, flags=os.SPLICE_F_NONBLOCK)
    except BlockingIOError:
        return 0
    finally:
        os.close(sink)
