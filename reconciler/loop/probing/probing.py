"""The probes of the processes that run: who is asked what, and what follows for the instance.

The order is Kubernetes': until the startup probe has succeeded, the instance is not ready and
nothing else is asked. A liveness or startup probe that fails marks the process as failed, which
the plan then replaces; a readiness probe makes it ready or not.

What a program has said by itself (a line of output, a notification) is kept for the next
controller. The checks themselves are in ``checking``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.converge.sockets.privatesocket import PrivateSockets
from reconciler.logs.write.transcript import Transcripts
from reconciler.loop.kernel import Kernel
from reconciler.loop.probing.checking import Checks, Query, Word
from reconciler.loop.probing.porting import Porting
from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.event import Event
from reconciler.model.state.observed import PortHeld, Process, Tag
from reconciler.model.state.reason import EventReason
from reconciler.model.state.tally import Tally
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.notify import NotifySocket
from reconciler.observed.probes.probes import Prober
from reconciler.observed.processes.host import Host
from reconciler.state.marks import READY, STARTED, Marks
from reconciler.system.clock import boot_now
from reconciler.system.work.worker import Workers

_MARKS = (STARTED, READY)


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
        reported_ready: Callable[[str], bool] = lambda nonce: False,
        kernel: Kernel,
        tally: Tally | None = None,
    ) -> None:
        self._loop = loop
        self._transcripts = transcripts
        self._host = host
        self._on_change = on_change
        self._on_event = on_event
        self._redact = redact
        self.marks = Marks(state_dir)
        self._prober = Prober(loop, self._result, self._check, tally)
        # What each process was started with or, where it is of the declared revision, what is
        # declared now: an edit that moves the port must not be asked of those that leave.
        self._specs: dict[str, ProgramSpec] = {}
        self._porting = Porting(
            loop, host, kernel.port_owner, is_declared=is_declared, spec_of=self._specs.get
        )
        self._inquiries: set[asyncio.Task[None]] = set()
        self._apps: dict[str, Workload] = {}
        self._words: dict[str, Word] = {}
        self._checks = Checks(
            loop,
            kernel,
            host,
            private,
            self._porting,
            workers,
            transcripts,
            reported_ready,
        )
        self._notify = NotifySocket(store, loop, self._notified)
        for trouble in self._notify.troubles:
            on_event(Event("", EventReason.NOTIFY_UNAVAILABLE, trouble, "Warning"))

    def prepare(self, app: Workload, tag: Tag) -> None:
        """Before a start: what it writes from now on counts."""
        nonce, probes = tag.nonce, app.spec.probes
        if probes:
            self._apps[nonce] = app
        if ProbeRole.STARTUP in probes or ProbeRole.READINESS in probes:
            self._transcripts.begin(nonce, kept=_hears(app.spec))

    def adopt(self, process: Process, spec: ProgramSpec) -> None:
        """A process of an earlier controller: what it said then holds."""
        nonce = process.tag.nonce
        self._words[nonce] = Word(self._has(nonce, READY), self._loop.time())
        if not _hears(spec):  # it was heard until it was known what to ask
            self._transcripts.end(nonce)
        if self._words[nonce].ready or not _hears(spec):
            self._transcripts.discard(nonce)
        if spec.readiness is not None:
            known = self._has(nonce, READY) or None
            self._host.update(nonce, ready=known, ready_at=boot_now() if known else None)

    def watch(self, process: Process, spec: ProgramSpec, app: Workload | None = None) -> None:
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
            self.marks.set(nonce, STARTED)  # it was up before it had a startup probe
        for role in (ProbeRole.READINESS, ProbeRole.LIVENESS):
            probe = probes.get(role)
            if probe is not None:
                self._begin(process, role, probe, role is ProbeRole.LIVENESS or process.ready)
        if ProbeRole.READINESS not in probes and process.ready is not True:
            at = boot_now() if startup is not None else process.started_at
            self._host.update(
                nonce, ready=True, ready_at=at, was_ready=True, unready_reason="", answer=""
            )
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
        probed = [one for one in probes if one is not None and spec.probed_socket(one) is None]
        if probed:
            task = self._loop.create_task(self._inquire(process, probed, spec))
            self._inquiries.add(task)
            task.add_done_callback(self._inquiries.discard)

    async def _inquire(self, process: Process, probed: list[Probe], spec: ProgramSpec) -> None:
        for probe in probed:
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
        self._words.setdefault(process.tag.nonce, Word(alive_at=self._loop.time()))
        self._prober.watch(process, role, probe, initial)

    def _result(self, nonce: str, role: ProbeRole, ok: bool | None, message: str) -> None:
        process = self._host.get(nonce)
        if process is None:
            return
        message = self._redact(message)  # it may quote the program
        reason = f"{role} probe failed: {message}"
        if role is ProbeRole.READINESS:
            self._readiness(process, bool(ok), message)
        elif ok is None:
            self._host.update(
                nonce, ready=False, ready_at=None, unready_reason=reason, answer=message
            )
            self._on_change(process.tag.app)
        elif not ok:
            self._tell(process, reason)
            self._host.update(nonce, failed=reason)
            self._on_change(process.tag.app)
        elif role is ProbeRole.STARTUP:
            self.marks.set(nonce, STARTED)
            self._prober.forget(nonce, role)
            self.watch(process, self._specs[nonce])

    def _readiness(self, process: Process, ready: bool, message: str) -> None:
        reason = "" if ready else f"readiness probe failed: {message}"
        if process.ready is ready and process.unready_reason == reason:
            return
        nonce = process.tag.nonce
        if process.ready is ready:
            self._host.update(nonce, unready_reason=reason, answer=message)
        else:
            ready_at = boot_now() if ready else None
            was_ready = process.was_ready or ready
            answer = "" if ready else message
            changes = {"ready": ready, "ready_at": ready_at, "was_ready": was_ready}
            self._host.update(nonce, **changes, unready_reason=reason, answer=answer)
            self._remember(process, ready)
            if ready:
                self._transcripts.end(nonce)
            if process.ready:  # one that never was is only starting
                self._tell(process, reason)
        self._on_change(process.tag.app)

    def _remember(self, process: Process, ready: bool) -> None:
        """For the next controller, of what it could not ask again."""
        probe = self._specs[process.tag.nonce].probes.get(ProbeRole.READINESS)
        if probe is not None and probe.kind.target is None:
            (self.marks.set if ready else self.marks.unset)(process.tag.nonce, READY)

    def _tell(self, process: Process, message: str) -> None:
        tag = process.tag
        self._on_event(Event(tag.app, EventReason.UNHEALTHY, message, "Warning", tag.instance))

    def _notified(self, pid: int, fields: Mapping[str, str]) -> None:
        nonce = self._host.nonce_of(pid)
        process = self._host.get(nonce) if nonce is not None else None
        if process is None or nonce is None:
            return
        word = self._words.setdefault(nonce, Word(alive_at=self._loop.time()))
        if fields.get("READY") == "1":
            word.ready = True
        if fields.get("STOPPING") == "1" or fields.get("RELOADING") == "1":
            word.ready = False
        if fields.get("WATCHDOG") == "1":
            word.alive_at = self._loop.time()
        if "STATUS" in fields:
            self._host.update(nonce, status=self._redact(fields["STATUS"])[:200])
        self._prober.prompt(nonce)

    async def _check(self, probe: Probe, process: Process, role: ProbeRole) -> Result:
        nonce = process.tag.nonce
        spec, app, word = self._specs.get(nonce), self._apps.get(nonce), self._words.get(nonce)
        query = Query(process, role, probe, spec, app, word or Word())
        return await self._checks.check(query)

    def _has(self, nonce: str, mark: str) -> bool:
        return self.marks.get(nonce, mark) is not None


def _hears(spec: ProgramSpec) -> bool:
    """Whether a probe waits for a line of output."""
    return any(probe.log is not None for probe in spec.probes.values())
