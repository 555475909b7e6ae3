"""What the instances use: who has outgrown its limit, and the history of them all.

Two rhythms. Every 2.5 s the memory of each instance that has a `limits.memory` is read, of the
whole tree with what it forked a moment ago. No instance is read less often because it is far below
its limit: memory can be filled by the GiB a second, so that any slower rhythm is a guess about the
program; and at 1.5 µs a look (``observed.host.rss_sampler``) nothing is gained by guessing. So an
instance that crosses its limit is seen within 2.5 s, and a little for a busy host.

Where several processes make a tree, RSS counts twice what they share. Only when it is above the
limit PSS is asked, which is what the tree would free; in a thread, and no more than a fiftieth of
the time, so that a tree whose PSS takes longer than 60 ms to tell is seen later.

Every 15 s, with the states that ``Host`` samples anyway, a sample goes into the history, and when
one of its buckets is full the trend is judged (``diff.leak_detection``). Histories are kept in the
journal: on leaving, and before that whenever a fifth has been added, a minute at least and five
at most; so that kill -9 costs no more than that.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.diff import leak_detection
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Process, ProcessId, RunState
from reconciler.model.state.reason import EventReason
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import EVERY, UsageHistory
from reconciler.model.words.quantity import format_size
from reconciler.observed.host.rss_sampler import RssSampler
from reconciler.observed.host.samples import PAGE, Sample, sample
from reconciler.observed.processes.host import Host
from reconciler.state.history import History

LOOK = 2.5
"""Seconds between two looks at those that have a limit; the promise is 3."""
_SLICE = 250
"""Instances looked at before the event loop may look at anything else."""
_SWEEP = 30.0
_PSS_SHARE = 50
_JUDGE = 300.0
"""Seconds between two judgements of one history."""
_SAVE_SHARE, _SAVE_SOONEST, _SAVE = 5, 60.0, 300.0
_LEAST = 0.5
"""Seconds between two samples of which a load can be told: a clock tick is 10 ms."""
_YOUNG = 2.0 * EVERY


_NOTHING = Trend()


@dataclass(slots=True)
class Usage:
    """What is known of one instance."""

    history: UsageHistory = field(default_factory=UsageHistory)
    trend: Trend = _NOTHING
    last: Sample | None = None
    judged_at: float = 0.0
    saved_at: float = 0.0


class Sampling:
    """Of all instances. ``on_change(app)`` is called when one has outgrown its limit, or has a
    new one that it fits in."""

    def __init__(
        self,
        host: Host,
        records: History,
        *,
        on_change: Callable[[str], None],
        on_event: Callable[[Event], None],
    ) -> None:
        self._host = host
        self._records = records
        self._on_change = on_change
        self._on_event = on_event
        self._rss_sampler = RssSampler()
        self._limits: dict[str, int] = {}
        self._marked: dict[str, int] = {}
        self._pss_again: dict[str, float] = {}
        self._weighed: dict[str, int] = {}
        self._usage: dict[str, Usage] = {}
        self._look_now = asyncio.Event()
        self._sweep_at = 0.0
        self._cores = os.cpu_count() or 1

    # -- limits --------------------------------------------------------------------------------

    def declare(self, app: str, limit: int | None) -> None:
        """The limit of an app's instances, in bytes; applied to those that run."""
        if limit == self._limits.get(app):
            return
        if limit is not None:
            self._limits[app] = limit
        else:
            del self._limits[app]
            for process in self._host.processes(app):
                self._rss_sampler.forget([process.id, *process.stragglers])
                self._clear(process)
        self._look_now.set()

    @property
    def limits(self) -> Mapping[str, int]:
        """Bytes, by app."""
        return self._limits

    async def watch(self) -> None:
        """Look at those that have a limit, again and again. Nothing ticks where none has one."""
        while True:
            if self._limits:
                try:
                    async with asyncio.timeout(LOOK):
                        await self._look_now.wait()
                except TimeoutError:
                    pass
            else:
                await self._look_now.wait()
            self._look_now.clear()
            try:
                await self._look()
            except OSError as error:  # out of files: ours to bear, and to try again
                message = f"memory limits: {error}; trying again"
                self._on_event(Event("", EventReason.FAILED_SAMPLING, message, "Warning"))
                await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        """One look at all. The loop is short because it is what a thousand instances cost."""
        self._host.look_for_children()
        pages, count, heavy = self._rss_sampler.pages, 0, list[tuple[Process, int]]()
        for app, limit in [*self._limits.items()]:
            most = limit // PAGE
            for process in self._host.processes(app):
                count += 1
                if count % _SLICE == 0:
                    await asyncio.sleep(0)
                weight = pages(process.id)
                if process.stragglers:
                    weight += sum(map(pages, process.stragglers))
                if weight > most or process.outgrown:
                    heavy.append((process, limit))
        for process, limit in heavy:
            await self._weigh(process, limit)
        self._sweep()

    def _sweep(self) -> None:
        """Let go of files on children that have ended, now and then."""
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP
            running = self._host.processes()
            alive = {id for process in running for id in (process.id, *process.stragglers)}
            self._rss_sampler.forget(self._rss_sampler.known() - alive)

    async def _weigh(self, process: Process, limit: int) -> None:
        nonce, ids = process.tag.nonce, (process.id, *process.stragglers)
        marked = self._marked.get(nonce)
        # Once it is to be replaced, that it came down again does not change it: only a limit does.
        if process.state is RunState.STOPPING or marked == limit:
            return
        rss, count = self._rss_sampler.weigh(ids)
        message = f"uses {format_size(rss)}"
        if count > 1:
            message += f" in {count} processes"
        if rss > limit and count > 1:
            if time.monotonic() < self._pss_again.get(nonce, 0.0):
                return
            pss = await self._pss(nonce, ids)
            if pss is not None:
                message = f"uses {format_size(pss)} in {count} processes (RSS {format_size(rss)})"
                rss = pss
        if rss > limit:
            self._marked[nonce] = limit
            message += f", limits.memory is {format_size(limit)}"
            self._host.update(nonce, outgrown=message)
            self._on_change(process.tag.app)
        elif process.outgrown:
            self._clear(process)

    async def _pss(self, nonce: str, ids: tuple[ProcessId, ...]) -> int | None:
        """What the tree would free; None where that is not to be known."""

        def ask() -> tuple[int | None, float]:
            began = time.thread_time()
            return self._rss_sampler.pss(ids), time.thread_time() - began

        pss, took = await asyncio.to_thread(ask)
        self._pss_again[nonce] = time.monotonic() + took * _PSS_SHARE
        if pss is not None:
            self._weighed[nonce] = pss
        return pss

    def _clear(self, process: Process) -> None:
        self._marked.pop(process.tag.nonce, None)
        if process.outgrown:
            self._host.update(process.tag.nonce, outgrown="")
            self._on_change(process.tag.app)

    # -- history -------------------------------------------------------------------------------

    async def note(self) -> None:
        """Take the samples of the last look at all states into the histories."""
        samples = self._host.usage()
        for count, process in enumerate(self._host.processes(), 1):
            found = samples.get(process.tag.nonce)
            if found is not None:
                self._note(process, found)
            if count % _SLICE == 0:
                await asyncio.sleep(0)

    def usage(self, process: Process) -> Usage:
        """What is known of an instance; nothing, of one that has ended."""
        nonce = process.tag.nonce
        known = self._usage.get(nonce)
        if known is None:
            kept = self._records.usage(nonce)
            known = Usage(*kept) if kept is not None else Usage()
            if self._host.get(nonce) is not None:
                self._usage[nonce] = known
        return known

    def known(self, process: Process) -> tuple[UsageHistory, Trend]:
        """The history of an instance, and what was told of it."""
        usage = self.usage(process)
        return usage.history, usage.trend

    def weighed(self, nonce: str) -> int | None:
        """The PSS of an instance when it was asked last; None where it never had to be."""
        return self._weighed.get(nonce)

    def samples(self) -> dict[str, Sample]:
        """What each uses now, by nonce; processor time since the last sample."""
        before = {n: one.last for n, one in self._usage.items() if one.last is not None}
        found = sample(self._host.processes(), before)
        for nonce, last in before.items():
            now = found.get(nonce)
            if now is not None and now.at - last.at < _LEAST:
                found[nonce] = now._replace(cpu=last.cpu)
        return found

    def forget(self, process: Process) -> None:
        """It has ended."""
        nonce = process.tag.nonce
        self._rss_sampler.forget([process.id, *process.stragglers])
        self._marked.pop(nonce, None)
        self._pss_again.pop(nonce, None)
        self._weighed.pop(nonce, None)
        if self._usage.pop(nonce, None) is not None:
            self._records.forget_usage(nonce)

    def close(self) -> None:
        """Leave: what is known is kept for the next controller."""
        for nonce, known in self._usage.items():
            self._records.save_usage(nonce, known.history, known.trend)
        self._rss_sampler.close()

    def _note(self, process: Process, found: Sample) -> None:
        known = self.usage(process)
        before, known.last = known.last, found
        since = before.at if before is not None else process.started_at
        if before is None and found.uptime > _YOUNG:
            return  # just taken over: its load is not yet to be told
        full = known.history.add(found.at, found.rss, found.cpu)
        busy = leak_detection.busy_since(known.trend, found.cpu, found.busiest, self._cores, since)
        known.trend, events = leak_detection.watch_load(process, busy, known.trend, found.at)
        if full and found.at - known.judged_at >= _JUDGE:
            known.judged_at = found.at
            limit, buckets = self._limits.get(process.tag.app), known.history.buckets()[:-1]
            known.trend, more = leak_detection.watch_memory(
                process, buckets, limit, known.trend, found.at
            )
            events += more
        for event in events:
            self._on_event(event)
        wait = min(_SAVE, max(_SAVE_SOONEST, known.history.span / _SAVE_SHARE))
        if events or found.at - known.saved_at >= wait:
            self._records.save_usage(process.tag.nonce, known.history, known.trend)
            known.saved_at = found.at
