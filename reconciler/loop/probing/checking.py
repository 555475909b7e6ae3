"""One check of one instance, by the kind of its probe. ``CHECKS`` has a row for each kind.

Checks over the network and by a command ask the program. A line of output and a notification are
what the program says by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from reconciler.converge.sockets.privatesocket import PrivateSockets
from reconciler.logs.write.transcript import Transcript, Transcripts
from reconciler.loop.kernel import Kernel
from reconciler.loop.probing.porting import Porting
from reconciler.model.spec import probe as kinds
from reconciler.model.spec.probe import Probe, ProbeKind, ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Process
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.search import SEARCH, first_match, is_plain
from reconciler.observed.processes.host import Host
from reconciler.system.work.worker import WorkerError, Workers, WorkerTimeout

_PROGRAMS = 8
"""Exec checks at a time: each starts a program, on a host whose cores are for the apps."""
_PIECES = 64
"""Pieces of a transcript that one check reads at most; the next check continues from there."""
_PATIENCE = 5.0
"""Seconds that a pattern may take, where ``timeoutSeconds`` is more."""
_SHARE = 10
"""A pattern that takes too long is tried so rarely that it has this part of the time at most."""


@dataclass(slots=True)
class Word:
    """What one process has said by itself."""

    ready: bool = False
    alive_at: float = 0.0
    """Of its last WATCHDOG=1, on the loop's clock."""


@dataclass(frozen=True, slots=True)
class Query:
    """An instance that is checked, by one probe, and what is known of it."""

    process: Process
    role: ProbeRole
    probe: Probe
    spec: ProgramSpec | None
    app: Workload | None
    """None where its manifest is not known."""
    word: Word

    @property
    def nonce(self) -> str:
        return self.process.tag.nonce


@dataclass(frozen=True, slots=True)
class Checks:
    """Makes checks, with what they need of the loop."""

    loop: asyncio.AbstractEventLoop
    kernel: Kernel
    host: Host
    private: PrivateSockets
    porting: Porting
    workers: Workers
    transcripts: Transcripts
    reported_ready: Callable[[str], bool]
    programs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PROGRAMS))

    async def check(self, query: Query) -> Result:
        """Check an instance once. Never raises."""
        return await CHECKS[type(query.probe.kind)](self, query)

    async def over_network(self, query: Query) -> Result:
        tag, spec = query.process.tag, query.spec
        shared = spec.probed_socket(query.probe) if spec is not None else None
        private = self.private.path(tag.nonce, shared.name) if shared is not None else None
        result = await self.kernel.check(query.probe, tag.instance, private)
        now = self.host.get(tag.nonce)
        own = private is not None or query.role is ProbeRole.LIVENESS
        if own or spec is None or now is None or now.ready:
            return result
        return await self.porting.judge(query.process, query.probe, spec, result)

    async def by_command(self, query: Query) -> Result:
        if query.app is None:
            return Result(False, "its manifest is not known")
        probe = query.probe
        async with self.programs:
            done = await self.kernel.exec_check(
                query.app, query.process, probe.kind.runs, probe.timeout_seconds
            )
        return Result(*done)

    async def by_notification(self, query: Query) -> Result:
        if query.role is not ProbeRole.LIVENESS:
            ready = query.word.ready or self.reported_ready(query.nonce)
            return Result(ready, "it has not notified READY=1, nor called process.send('ready')")
        quiet = self.loop.time() - query.word.alive_at
        return Result(quiet <= query.probe.period_seconds, f"no WATCHDOG=1 for {quiet:.0f} s")

    async def in_output(self, query: Query) -> Result:
        now = self.host.get(query.nonce)
        if now is not None and now.ready:
            return Result(True, "seen")
        transcript = self.transcripts.get(query.nonce)
        if transcript is None:
            return Result(False, "recon has not read its output yet")
        pattern = query.probe.log or ""
        if transcript.sought not in ("", pattern):  # it may have been written before
            transcript.rewind()
        transcript.sought = pattern
        if self.loop.time() < transcript.not_before:
            return Result(False, _slow(pattern))
        try:
            found = await self._is_in(transcript, query, pattern)
        except WorkerTimeout:  # these lines do not count
            transcript.not_before = self.loop.time() + _SHARE * _patience(query.probe)
            return Result(False, _slow(pattern))
        except WorkerError as error:
            return Result(False, f"its output cannot be searched: {error}")
        return Result(found, "seen" if found else _unseen(pattern, transcript))

    async def _is_in(self, transcript: Transcript, query: Query, pattern: str) -> bool:
        """Whether a line that was not looked at yet matches. WorkerError, WorkerTimeout."""
        for _ in range(_PIECES):
            lines = transcript.read()
            if lines and await self._matches(lines, query, pattern):
                return True
            if not transcript.has_more or self.transcripts.get(query.nonce) is not transcript:
                break
        return False

    async def _matches(self, lines: list[bytes], query: Query, pattern: str) -> bool:
        """Whether a line matches. WorkerError; WorkerTimeout where that takes too long."""
        if is_plain(pattern):
            await asyncio.sleep(0)  # the number of pieces is unknown
            return first_match(pattern, lines) is not None
        seconds = _patience(query.probe)
        owner = f"log of {query.nonce}"
        found = await self.workers.call(SEARCH, (pattern, lines), owner=owner, seconds=seconds)
        return found is not None


CHECKS: dict[type[ProbeKind], Callable[[Checks, Query], Awaitable[Result]]] = {
    kinds.HttpGet: Checks.over_network,
    kinds.TcpSocket: Checks.over_network,
    kinds.Exec: Checks.by_command,
    kinds.LogLine: Checks.in_output,
    kinds.Notify: Checks.by_notification,
}
"""By kind of probe: its check, which takes ``timeoutSeconds`` at most."""


def _patience(probe: Probe) -> float:
    return min(probe.timeout_seconds, _PATIENCE)


def _unseen(pattern: str, transcript: Transcript) -> str:
    message = f"no line of its output matches {pattern!r} yet"
    return (
        message
        if transcript.whole
        else f"{message}; lines written before the probe began do not count"
    )


def _slow(pattern: str) -> str:
    return f"the pattern {pattern!r} takes too long on its output; simplify it"
