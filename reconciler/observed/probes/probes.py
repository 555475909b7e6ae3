"""Probes: when each instance is checked, and what the checks add up to.

Kubernetes' meanings: not ready until ``successThreshold`` checks in a row succeed, ready until
``failureThreshold`` in a row fail; the same for alive; a startup probe has failed when it
has not succeeded within ``failureThreshold`` periods. Better here than a kubelet does them:

- Until an instance is ready it is checked after 50 ms, 100 ms, 200 ms … up to its period, so that
  a program that is up within 100 ms is not taken for unready for ten seconds.
- What a program says by itself (a line of output, a notification) is heard at once (``prompt``).
- Checks are spread: each interval is jittered by a tenth, those of adopted instances begin at a
  random point of their period, and no more than 64 are under way at once.

An instance costs one timer between its checks, and a task only during one.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.state.observed import Process
from reconciler.model.state.tally import Tally
from reconciler.observed.probes.checks import Result
from reconciler.system.clock import boot_now

_FIRST = 0.05
_IN_FLIGHT = 64
_JITTER = 0.1

_LOOK = 0.25
"""Seconds between looks at what a program wrote, until it is ready: that is cheap."""

OnResult = Callable[[str, ProbeRole, bool | None, str], object]
Check = Callable[[Probe, Process, ProbeRole], Coroutine[None, None, Result]]
Key = tuple[str, ProbeRole]


@dataclass(slots=True, eq=False)
class _Watch:
    """One probe of one instance. Ready stands for alive where the probe asks that."""

    process: Process
    role: ProbeRole
    probe: Probe
    ready: bool
    reported: tuple[bool | None, str] | None = None
    row: int = 0
    """Results in a row that speak against ``ready``."""
    interval: float = _FIRST
    """Seconds to the next check while it has not been ready yet; 0 from then on."""
    since: float = 0.0
    """When its checks began (of the loop's clock)."""
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[Result] | None = None
    queued: bool = False

    @property
    def key(self) -> Key:
        return self.process.tag.nonce, self.role


class Prober:
    """The probes of all instances, by nonce and role.

    ``on_result(nonce, role, ready, message)`` is called in the loop when readiness changes, and
    while an instance is not ready whenever the reason does. Of a startup probe None says that it
    has not succeeded yet, and False that recon no longer waits for it. ``check`` makes one
    check.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_result: OnResult,
        check: Check,
        tally: Tally | None = None,
    ) -> None:
        self._loop = loop
        self._on_result = on_result
        self._check = check
        self._tally = tally or Tally()
        self._watches: dict[Key, _Watch] = {}
        self._queue: deque[_Watch] = deque()
        self._running = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._watches

    def watch(
        self, process: Process, role: ProbeRole, probe: Probe, initial: bool | None = None
    ) -> None:
        """Probe a process from now on; ``initial``: what is known of it, None if nothing.

        An instance known as ready stays so until the probe has failed often enough. Watching
        one that is watched already is to change its probe.
        """
        watch = _Watch(process, role, probe, ready=bool(initial))
        if watch.key in self._watches:
            self._update(self._watches[watch.key], probe)
            return
        self._watches[watch.key] = watch
        delay = process.started_at + probe.initial_delay_seconds - boot_now()
        watch.since = self._loop.time() + max(0.0, delay)
        if initial:
            watch.interval = 0
            watch.reported = (True, "")
            delay = max(delay, random.uniform(0, probe.period_seconds))
        self._after(watch, delay)

    def _update(self, watch: _Watch, probe: Probe) -> None:
        """A changed probe applies at once; what the instance is counts on until it answers."""
        if watch.probe == probe:
            return
        watch.probe = probe
        watch.row = 0
        if watch.task is not None:
            watch.task.cancel()  # its end starts the next
        elif not watch.queued:
            self._after(watch, watch.process.started_at + probe.initial_delay_seconds - boot_now())

    def prompt(self, nonce: str) -> None:
        """The program has said something by itself: look now."""
        for role in ProbeRole:
            watch = self._watches.get((nonce, role))
            if watch is not None and not watch.probe.kind.is_active and watch.timer is not None:
                self._after(watch, 0)

    def forget(self, nonce: str, role: ProbeRole | None = None) -> None:
        """No more checks and no more results of this process (or of one probe of it)."""
        for one in ProbeRole if role is None else (role,):
            self._forget((nonce, one))

    def _forget(self, key: Key) -> None:
        watch = self._watches.pop(key, None)
        if watch is None:
            return
        if watch.timer is not None:
            watch.timer.cancel()
        if watch.task is not None:
            watch.task.cancel()

    def close(self) -> None:
        for key in list(self._watches):
            self._forget(key)

    def _after(self, watch: _Watch, delay: float) -> None:
        if watch.timer is not None:
            watch.timer.cancel()
        watch.timer = self._loop.call_later(max(0.0, delay), self._due, watch)

    def _due(self, watch: _Watch) -> None:
        watch.timer = None
        watch.queued = True
        self._queue.append(watch)
        self._start_queued()

    def _start_queued(self) -> None:
        while self._queue and self._running < _IN_FLIGHT:
            watch = self._queue.popleft()
            watch.queued = False
            if self._watches.get(watch.key) is not watch:
                continue
            self._run(watch)

    def _run(self, watch: _Watch) -> None:
        """Start one check; its end starts the timer of the next."""
        began, probe = self._loop.time(), watch.probe

        def ended(task: asyncio.Task[Result]) -> None:
            self._running -= 1
            watch.task = None
            if self._watches.get(watch.key) is watch:
                if watch.probe is probe and not task.cancelled():
                    result, took = task.result(), self._loop.time() - began
                    self._tally.of(watch.process.tag.app).probed(watch.role, result.ok, took)
                    self._count(watch, result)
                    self._after(watch, self._interval(watch) - (self._loop.time() - began))
                else:
                    self._after(watch, 0)  # it was asked the old question
            self._start_queued()

        self._running += 1
        watch.task = self._loop.create_task(self._check(probe, watch.process, watch.role))
        watch.task.add_done_callback(ended)

    def _interval(self, watch: _Watch) -> float:
        """Seconds from the beginning of one check to that of the next."""
        period = watch.probe.period_seconds
        if not watch.ready and not watch.probe.kind.is_active:
            period = min(period, _LOOK)
        wait = min(watch.interval or period, period)
        if watch.interval:
            watch.interval = min(watch.interval * 2, period)
        return wait * random.uniform(1 - _JITTER, 1 + _JITTER)

    def _count(self, watch: _Watch, result: Result) -> None:
        probe = watch.probe
        watch.row = watch.row + 1 if result.ok is not watch.ready else 0
        if watch.row >= (probe.failure_threshold if watch.ready else probe.success_threshold):
            watch.ready = result.ok
            watch.row = 0
            watch.interval = 0
        if watch.ready:
            self._report(watch, True, "")
        elif not result.ok:
            starting = watch.role is ProbeRole.STARTUP and not self._is_late(watch)
            self._report(watch, None if starting else False, result.message)

    def _is_late(self, watch: _Watch) -> bool:
        patience = watch.probe.failure_threshold * watch.probe.period_seconds
        return self._loop.time() - watch.since >= patience

    def _report(self, watch: _Watch, ready: bool | None, message: str) -> None:
        if watch.reported != (ready, message):
            watch.reported = (ready, message)
            self._on_result(*watch.key, ready, message)
