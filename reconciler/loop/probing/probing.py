"""The probes of the processes that run: who is asked what, and what follows for the instance.

The order is Kubernetes': until the startup probe has succeeded, the instance is not ready and
nothing else is asked. A liveness or startup probe that fails marks the process as failed, which
the plan then replaces; a readiness probe makes it ready or not.

Checks are of three kinds: those over the network and by a command ask the program; a line of
output and a notification are the program's own word, which is kept for the next controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.converge.sockets.privatesocket import PrivateSockets
from reconciler.logs.write.transcript import Transcript, Transcripts
from reconciler.loop.kernel import Kernel
from reconciler.loop.probing.porting import Porting
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.observed import PortHeld, Process, Tag
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.notify import NotifySocket
from reconciler.observed.probes.probes import Prober
from reconciler.observed.probes.search import SEARCH, first_match, is_plain
from reconciler.observed.processes.host import Host
from reconciler.state.marks import READY, STARTED, Marks
from reconciler.system.clock import boot_now
from reconciler.system.work.worker import WorkerError, Workers, WorkerTimeout

_PROGRAMS = 8
"""Exec checks at a time: each starts a program, on a host whose cores are for the apps."""
_MARKS = (STARTED, READY)
_PIECES = 64
"""Of a transcript that a check looks through at most; the next check goes on from there."""
_PATIENCE = 5.0
"""Seconds that a pattern may take, where ``timeoutSeconds`` is more."""
_SHARE = 10
"""A pattern that takes too long is tried so rarely that it has this part of the time at most."""


@dataclass(slots=True)
class _Word:
    """What one process has said by itself."""

    ready: bool = False
    alive_at: float = 0.0
    """Of its last WATCHDOG=1, on the loop's clock."""


class Probing:
    """All probes. ``on_change(app)`` is called when a process's record has changed."""

    def __init__(
        self,
        state_dir: Path,
        store: str,
        loop: asyncio.AbstractEventLoop,
        host: Host,
        private: PrivateSockets,
        *,
        workers: Workers,
        transcripts: Transcripts,
        on_change: Callable[[str], None],
        on_event: Callable[[Event], None],
        is_declared: Callable[[str], bool] = lambda app: True,
        redact: Callable[[str], str] = str,
        said_ready: Callable[[str], bool] = lambda nonce: False,
        kernel: Kernel,
    ) -> None:
        self._kernel = kernel
        self._loop = loop
        self._workers = workers
        self._transcripts = transcripts
        self._host = host
        self._private = private
        self._on_change = on_change
        self._on_event = on_event
        self._redact = redact
        self._said_ready = said_ready
        self.marks = Marks(state_dir)
        self._prober = Prober(loop, self._result, self._check)
        # What each process was started with or, where it is of the declared revision, what is
        # declared now: an edit that moves the port must not be asked of those that leave.
        self._specs: dict[str, AppSpec] = {}
        self._porting = Porting(
            loop, host, kernel.port_owner, is_declared=is_declared, spec_of=self._specs.get
        )
        self._inquiries: set[asyncio.Task[None]] = set()
        self._apps: dict[str, DesiredApp] = {}
        self._words: dict[str, _Word] = {}
        self._programs = asyncio.Semaphore(_PROGRAMS)
        self._notify = NotifySocket(store, loop, self._notified)
        for trouble in self._notify.troubles:
            on_event(Event("", "NotifyUnavailable", trouble, "Warning"))

    def prepare(self, app: DesiredApp, tag: Tag) -> None:
        """Before a start: what it writes from now on counts."""
        nonce, probes = tag.nonce, app.spec.probes
        if probes:
            self._apps[nonce] = app
        if ProbeRole.STARTUP in probes or ProbeRole.READINESS in probes:
            self._transcripts.begin(nonce, kept=_hears(app.spec))

    def adopt(self, process: Process, spec: AppSpec) -> None:
        """A process of an earlier controller: what it said then holds."""
        nonce = process.tag.nonce
        self._words[nonce] = _Word(self._has(nonce, READY), self._loop.time())
        if self._words[nonce].ready:
            self._transcripts.discard(nonce)
        if spec.readiness_probe is not None or spec.startup_probe is not None:
            noted = self._has(nonce, READY)
            # A command takes the whole manifest, which one of an earlier revision has no more.
            runs = spec.readiness_probe is not None and spec.readiness_probe.kind.runs
            known = noted if runs else noted or None
            self._host.update(nonce, ready=known, ready_at=boot_now() if known else None)

    def watch(self, process: Process, spec: AppSpec, app: DesiredApp | None = None) -> None:
        """Ask what the manifest says now."""
        nonce, probes = process.tag.nonce, spec.probes
        self._porting.began(process.tag.app)
        if app is not None and probes:
            self._apps[nonce] = app
        if probes:
            self._specs[nonce] = spec
        if process.ready is not True and _hears(spec):
            self._transcripts.begin(nonce, kept=True, whole=False)
        for role in ProbeRole:
            if role not in probes:
                self._prober.forget(nonce, role)
        startup = probes.get(ProbeRole.STARTUP)
        if startup is not None and not self._has(nonce, STARTED):
            if process.ready is not True:
                self._begin(process, ProbeRole.STARTUP, startup, False)
                return
            self.marks.set(nonce, STARTED)  # it was up before anybody asked how it starts
        for role in (ProbeRole.READINESS, ProbeRole.LIVENESS):
            probe = probes.get(role)
            if probe is not None:
                self._begin(process, role, probe, role is ProbeRole.LIVENESS or process.ready)
        if spec.readiness_probe is None and process.ready is not True:
            at = boot_now() if startup is not None else process.started_at
            self._host.update(nonce, ready=True, ready_at=at, was_ready=True, told="", answer="")
            self._transcripts.end(nonce)
            self._on_change(process.tag.app)

    def forget(self, nonce: str) -> None:
        """The process is gone, or on its way."""
        self._prober.forget(nonce)
        self._specs.pop(nonce, None)
        self._apps.pop(nonce, None)
        self._transcripts.end(nonce)
        if self._words.pop(nonce, None):
            self.marks.forget(nonce, _MARKS)

    def held(self, app: str | None) -> tuple[PortHeld, ...]:
        """Ports at which instances are asked, and where others of ours listen."""
        return self._porting.held(app)

    def ended(self, process: Process) -> None:
        """It ended before it was ready: perhaps since another holds its port."""
        spec = self._specs.get(process.tag.nonce)
        if spec is None or process.was_ready or process.ready:
            return
        probes = (spec.probes.get(role) for role in (ProbeRole.STARTUP, ProbeRole.READINESS))
        asked = [one for one in probes if one is not None and spec.probed_socket(one) is None]
        if asked:
            task = self._loop.create_task(self._inquire(process, asked, spec))
            self._inquiries.add(task)
            task.add_done_callback(self._inquiries.discard)

    async def _inquire(self, process: Process, asked: list[Probe], spec: AppSpec) -> None:
        for probe in asked:
            if await self._porting.look(process, probe, spec) is not None:
                self._on_change(process.tag.app)
                return

    def close(self) -> None:
        for task in self._inquiries:
            task.cancel()
        self._prober.close()
        self._notify.close()

    # -- what comes back -----------------------------------------------------------------------

    def _begin(self, process: Process, role: ProbeRole, probe: Probe, initial: bool | None) -> None:
        if probe.kind.runs and process.tag.nonce not in self._apps:
            return  # adopted before its manifest was read; `watch` is called again then
        self._words.setdefault(process.tag.nonce, _Word(alive_at=self._loop.time()))
        self._prober.watch(process, role, probe, initial)

    def _result(self, nonce: str, role: ProbeRole, ok: bool | None, message: str) -> None:
        process = self._host.get(nonce)
        if process is None:
            return
        message = self._redact(message)  # it may quote the program
        told = f"{role} probe failed: {message}"
        if role is ProbeRole.READINESS:
            self._readiness(process, bool(ok), message)
        elif ok is None:
            self._host.update(nonce, ready=False, ready_at=None, told=told, answer=message)
            self._on_change(process.tag.app)
        elif not ok:
            self._tell(process, told)
            self._host.update(nonce, failed=told)
            self._on_change(process.tag.app)
        elif role is ProbeRole.STARTUP:
            self.marks.set(nonce, STARTED)
            self._prober.forget(nonce, role)
            self.watch(process, self._specs[nonce])

    def _readiness(self, process: Process, ready: bool, message: str) -> None:
        told = "" if ready else f"readiness probe failed: {message}"
        if process.ready is ready and process.told == told:
            return
        nonce = process.tag.nonce
        if process.ready is ready:
            self._host.update(nonce, told=told, answer=message)
        else:
            ready_at = boot_now() if ready else None
            was_ready = process.was_ready or ready
            answer = "" if ready else message
            changes = {"ready": ready, "ready_at": ready_at, "was_ready": was_ready}
            self._host.update(nonce, **changes, told=told, answer=answer)
            self._remember(process, ready)
            if ready:
                self._transcripts.end(nonce)
            if process.ready:  # one that never was is only starting
                self._tell(process, told)
        self._on_change(process.tag.app)

    def _remember(self, process: Process, ready: bool) -> None:
        """For the next controller, of what it could not ask again."""
        probe = self._specs[process.tag.nonce].readiness_probe
        if probe is not None and probe.kind.target is None:
            (self.marks.set if ready else self.marks.unset)(process.tag.nonce, READY)

    def _tell(self, process: Process, message: str) -> None:
        tag = process.tag
        self._on_event(Event(tag.app, "Unhealthy", message, "Warning", tag.instance))

    def _notified(self, pid: int, fields: Mapping[str, str]) -> None:
        nonce = self._host.nonce_of(pid)
        process = self._host.get(nonce) if nonce is not None else None
        if process is None or nonce is None:
            return
        word = self._words.setdefault(nonce, _Word(alive_at=self._loop.time()))
        if fields.get("READY") == "1":
            word.ready = True
        if fields.get("STOPPING") == "1" or fields.get("RELOADING") == "1":
            word.ready = False
        if fields.get("WATCHDOG") == "1":
            word.alive_at = self._loop.time()
        if "STATUS" in fields:
            self._host.update(nonce, status=self._redact(fields["STATUS"])[:200])
        self._prober.prompt(nonce)

    # -- checks --------------------------------------------------------------------------------

    async def _check(self, probe: Probe, process: Process, role: ProbeRole) -> Result:
        tag = process.tag
        app = self._apps.get(tag.nonce)
        if probe.log is not None:
            return await self._look(process, probe, probe.log)
        if probe.notify is not None:
            return self._heed(process, probe, role)
        if probe.exec is not None:
            if app is None:
                return Result(False, "its manifest is not known")
            async with self._programs:
                done = await self._kernel.exec_check(
                    app, process, probe.exec.command, probe.timeout_seconds
                )
            return Result(*done)
        spec = self._specs.get(tag.nonce)
        shared = spec.probed_socket(probe) if spec is not None else None
        private = self._private.path(tag.nonce, shared.name) if shared is not None else None
        result = await self._kernel.check(probe, tag.instance, private)
        now = self._host.get(tag.nonce)
        asked = role is not ProbeRole.LIVENESS and private is None
        if not asked or spec is None or now is None or now.ready:
            return result
        return await self._porting.judge(process, probe, spec, result)

    async def _look(self, process: Process, probe: Probe, pattern: str) -> Result:
        nonce = process.tag.nonce
        now = self._host.get(nonce)
        if now is not None and now.ready:
            return Result(True, "seen")
        transcript = self._transcripts.get(nonce)
        if transcript is None:
            return Result(False, "its output is not looked at yet")
        if transcript.sought not in ("", pattern):  # it may have been written before
            transcript.rewind()
        transcript.sought = pattern
        if self._loop.time() < transcript.not_before:
            return Result(False, _slow(pattern))
        try:
            found = await self._seen(nonce, probe, pattern, transcript)
        except WorkerTimeout:  # these lines do not count
            transcript.not_before = self._loop.time() + _SHARE * _patience(probe)
            return Result(False, _slow(pattern))
        except WorkerError as error:
            return Result(False, f"its output cannot be searched: {error}")
        return Result(found, "seen" if found else _unseen(pattern, transcript))

    async def _seen(self, nonce: str, probe: Probe, pattern: str, transcript: Transcript) -> bool:
        """Whether a line that was not looked at yet matches. WorkerError, WorkerTimeout."""
        for _ in range(_PIECES):
            lines = transcript.read()
            if lines and await self._matches(nonce, probe, pattern, lines):
                return True
            if not transcript.has_more or self._transcripts.get(nonce) is not transcript:
                break
        return False

    async def _matches(self, nonce: str, probe: Probe, pattern: str, lines: list[bytes]) -> bool:
        """Whether a line matches. WorkerError; WorkerTimeout where that takes too long."""
        if is_plain(pattern):
            await asyncio.sleep(0)  # nobody knows how many pieces there are
            return first_match(pattern, lines) is not None
        found = await self._workers.call(
            SEARCH, (pattern, lines), owner=f"log of {nonce}", seconds=_patience(probe)
        )
        return found is not None

    def _heed(self, process: Process, probe: Probe, role: ProbeRole) -> Result:
        word = self._words.get(process.tag.nonce) or _Word()
        if role is not ProbeRole.LIVENESS:
            ready = word.ready or self._said_ready(process.tag.nonce)
            return Result(ready, "it has not notified READY=1, nor called process.send('ready')")
        quiet = self._loop.time() - word.alive_at
        return Result(quiet <= probe.period_seconds, f"no WATCHDOG=1 for {quiet:.0f} s")

    def _has(self, nonce: str, mark: str) -> bool:
        return self.marks.get(nonce, mark) is not None


def _patience(probe: Probe) -> float:
    return min(probe.timeout_seconds, _PATIENCE)


def _hears(spec: AppSpec) -> bool:
    """Whether a probe waits for a line of output."""
    return any(probe.log is not None for probe in spec.probes.values())


def _unseen(pattern: str, transcript: Transcript) -> str:
    told = f"no line of its output matches {pattern!r} yet"
    return told if transcript.whole else f"{told}; lines from before this was asked do not count"


def _slow(pattern: str) -> str:
    return f"the pattern {pattern!r} takes too long on its output; simplify it"
