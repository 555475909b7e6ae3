"""Time that passes only when nothing is left to do: an hour of a controller in milliseconds.

One ``Clock`` outlives controllers, and each has a loop of its own on it. What happens on the
simulated host is on the clock's agenda, not among a loop's timers: a controller that was killed
takes its timers with it.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

import pytest

from reconciler.system import clock as system_clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_TURN = 1e-9
"""Seconds that a turn of the loop takes: a moment that was just missed comes with the next one."""
_ENDLESS = 100_000


class Clock:
    """Seconds since boot, and what is to happen when."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self, now: float = 1000.0, wall: float = 1.8e9) -> None:
        self.now = now
        self._wall_of_boot = wall - now
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Have it happen then. What was meant for one moment happens in the order of the calls."""
        self._count += 1
        heapq.heappush(self._agenda, (max(when, self.now), self._count, call))

    def set_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back."""
        self._wall_of_boot += seconds

    def pass_to(self, moment: float | None) -> None:
        """Go to the next moment on the agenda, at most to this one (None: there is no other)."""
        if self._agenda and (moment is None or self._agenda[0][0] <= moment):
            when, _, call = heapq.heappop(self._agenda)
            self.now = max(self.now, when)  # an effect may have taken a while
            self.happen(call)
        else:
            assert moment is not None, "nothing is left that could ever happen"
            self.now = moment

    def happen(self, call: Callable[[], None]) -> None:
        """It is the moment of this."""
        call()

    def boot(self, now: float) -> float:
        """The host boots; so many seconds have passed since. Returns by how many the clock of this
        boot is behind that of the one before: what is on the agenda comes as late as before."""
        behind = self.now - now
        self.now = now
        self._wall_of_boot += behind
        self._agenda = [(when - behind, count, call) for when, count, call in self._agenda]
        return behind

    # -- as the module `time` is asked ---------------------------------------------------------

    def clock_gettime(self, which: int) -> float:
        assert which == self.CLOCK_BOOTTIME
        return self.now

    def time(self) -> float:
        return self._wall_of_boot + self.now

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int(self.time() * 1e9)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer, or to what happens on the host before that.

    What fails in a callback is kept in ``faults``: nobody else would hear of it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.faults: list[dict[str, Any]] = []
        self.slowest = 0.0
        """Processor seconds of its longest turn so far."""
        turns, began = 0, time.thread_time()
        loop = self

        class Jump(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> Any:
                nonlocal turns, began
                loop.slowest = max(loop.slowest, time.thread_time() - began)
                ready = super().select(0)
                turns += 1
                if not ready and timeout != 0:
                    turns = 0
                    clock.pass_to(None if timeout is None else clock.now + timeout)
                assert turns < _ENDLESS, "the loop turns and turns, and no time passes"
                clock.now += _TURN
                began = time.thread_time()
                return ready

        super().__init__(Jump())
        self.set_exception_handler(lambda loop, context: self.faults.append(context))

    def time(self) -> float:
        return self._clock.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """At once: a thread would need time that does not pass here."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def install(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let recon read this clock instead of the kernel's."""
    monkeypatch.setattr(system_clock, "time", clock)
    monkeypatch.setattr(system_clock, "_steps", system_clock._Steps())
