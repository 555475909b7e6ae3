"""Whom a probe reaches while an old and a new process overlap: the instance, or another of ours.

Asked of an instance that is not ready yet, and only while another process could answer for it: an
old process of its app, one of an app that no manifest declares any more (it was renamed), or,
where an edit moved its probe there, one of another app. A probe that asks another app's port by
design therefore counts as usual.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from reconciler.model.spec.probe import Probe, port_of
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import PortHeld, Process
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.portowner import Found, Owner, Question
from reconciler.observed.processes.host import Host
from reconciler.system.clock import boot_now

_FRESH = 0.1
"""Seconds for which it is known whose processes overlap."""
_OTHERS = 256
"""So many processes of other apps are looked at."""


class Porting:
    """What is known of who holds the ports that are probed. ``find`` tells who holds one, in a
    thread. ``spec_of``: what a process was started with, by nonce."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: Host,
        find: Callable[[Question], Found],
        *,
        is_declared: Callable[[str], bool],
        spec_of: Callable[[str], ProgramSpec | None],
    ) -> None:
        self._loop = loop
        self._host = host
        self._find = find
        self._is_declared = is_declared
        self._spec_of = spec_of
        self._held: dict[tuple[str, int], PortHeld] = {}
        self._alone: dict[str, float] = {}
        self._leftover: tuple[float, tuple[Process, ...]] = (0.0, ())

    def held(self, app: str | None) -> tuple[PortHeld, ...]:
        """Ports of an app, or of all, that are still held."""
        for key, one in [*self._held.items()]:
            if self._host.get(one.holder.nonce) is None:
                del self._held[key]
        return tuple(one for (name, _), one in self._held.items() if app in (None, name))

    def began(self, app: str) -> None:
        """One more process of an app runs, so that there may be an old one beside it, perhaps of
        an app that was declared until now."""
        self._alone.pop(app, None)
        self._leftover = (0.0, ())

    async def judge(
        self, process: Process, probe: Probe, spec: ProgramSpec, result: Result
    ) -> Result:
        """What a check of an instance that is not ready says once it is known who answered."""
        held = await self.look(process, probe, spec)
        if held is None:
            self._held.pop((process.tag.app, process.tag.instance), None)
            return result
        return Result(False, f"{held}, so the answers are not from this process")

    async def look(self, process: Process, probe: Probe, spec: ProgramSpec) -> PortHeld | None:
        """The port that the probe asks, where it is another's for certain.

        An app that it depends on is asked by design."""
        target, tag = probe.kind.target, process.tag
        rivals = {one.tag.nonce: one for one in self._rivals(process, probe, spec)}
        if target is None or not rivals:
            return None
        port = port_of(target.port, tag.instance)
        pids = {nonce: _pids(self._host, nonce) for nonce in rivals}
        question = Question(target.host, port, _pids(self._host, tag.nonce), pids)
        found = await self._loop.run_in_executor(None, self._find, question)
        holder = self._host.get(found.holder)
        if found.owner is not Owner.ANOTHERS or holder is None:
            return None
        before = self._held.get((tag.app, tag.instance))
        now = PortHeld(tag, port, holder.tag, found.pid, found.exclusive, boot_now())
        if before is not None and (before.probed.hash, before.holder) == (tag.hash, holder.tag):
            now = replace(now, since=before.since)
        self._held[tag.app, tag.instance] = now
        return now

    def _rivals(self, process: Process, probe: Probe, spec: ProgramSpec) -> Iterator[Process]:
        tag, now = process.tag, self._loop.time()
        old: list[Process] = []
        if self._alone.get(tag.app, 0.0) < now:
            everyone = self._host.processes(tag.app)
            numbers = Counter(one.tag.instance for one in everyone)
            hashes = {one.tag.hash for one in everyone}
            if len(hashes | {tag.hash}) == 1 and max(numbers.values(), default=0) < 2:
                self._alone[tag.app] = now + _FRESH
            old = [one for one in everyone if _is_older(one, process)]
        yield from old
        yield from self._of_removed(now)
        if old and not any(self._asks(one, process, probe) for one in old):
            meant = {tag.app, *(need.app for need in spec.depends_on)}
            others = (one for one in self._host.processes() if one.tag.app not in meant)
            for _, one in zip(range(_OTHERS), others, strict=False):
                yield one

    def _of_removed(self, now: float) -> tuple[Process, ...]:
        """Processes of apps that no manifest declares."""
        until, found = self._leftover
        if until < now:
            names = [name for name in self._host.apps() if not self._is_declared(name)]
            found = tuple(one for name in names for one in self._host.processes(name))
            self._leftover = (now + _FRESH, found)
        return found

    def _asks(self, old: Process, process: Process, probe: Probe) -> bool:
        """Whether an old process was asked at the same port, so that it is so by design."""
        spec, target = self._spec_of(old.tag.nonce), probe.kind.target
        if spec is None:
            return True  # it was asked nothing, so nothing is known of where it listened
        for other in spec.probes.values():
            probed = other.kind.target
            if probed is not None and target is not None:
                port = port_of(target.port, process.tag.instance)
                if port_of(probed.port, old.tag.instance) == port:
                    return True
        return False


def _is_older(one: Process, process: Process) -> bool:
    """Of another revision, or the one that this number had before."""
    if one.tag.nonce == process.tag.nonce:
        return False
    return one.tag.hash != process.tag.hash or one.tag.instance == process.tag.instance


def _pids(host: Host, nonce: str) -> tuple[int, ...]:
    return tuple(id.pid for id in host.members(nonce))
