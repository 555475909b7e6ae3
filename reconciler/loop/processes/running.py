"""The observed and the effecting side of the loop: our processes, their output and their probes.

Starting, adopting and stopping a process each touch five things in the right order: its record
(``Host``), its output (``Capture``), its sockets, its probes (``Probing``) and the journal. Here
and only here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from signal import SIGKILL

from reconciler.checks.redact import Redactor
from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.converge.isolation.credentials import Credentials
from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.process import handover, readyfile
from reconciler.converge.process.handover import Handed, Handover
from reconciler.converge.process.readyfile import ReadyFiles
from reconciler.converge.process.spawn import Spawned, SpawnError, is_plain
from reconciler.converge.process.stop import Stopper
from reconciler.converge.sockets.privatesocket import PrivateSockets
from reconciler.converge.sockets.sockets import Sockets
from reconciler.logs.write.capture import Capture, Streams
from reconciler.loop.kernel import Kernel
from reconciler.loop.probing.probing import Probing
from reconciler.loop.processes.inplace import InPlace
from reconciler.loop.processes.limiting import Limiting
from reconciler.loop.processes.starting import Starting
from reconciler.model.host.facts import HostFacts
from reconciler.model.spec.probe import ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.event import Event
from reconciler.model.state.observed import (
    Exit,
    Observed,
    Process,
    ProcessId,
    RunState,
    Tag,
    left_behind,
)
from reconciler.model.state.plan import End, Start
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision
from reconciler.model.state.tally import Tally
from reconciler.model.words.address import Address
from reconciler.observed.probes import listeners
from reconciler.observed.processes.credibility import UserOf
from reconciler.observed.processes.fifodirs import fifo_dirs
from reconciler.state.journal.journal import Journal
from reconciler.system import procfs
from reconciler.system.clock import boot_now, ticks_to_seconds
from reconciler.system.work.worker import Workers


class Running:
    """All processes of one store. ``on_exit`` hears of each end, ``on_change`` of all else."""

    def __init__(
        self,
        state_dir: Path,
        store: str,
        loop: asyncio.AbstractEventLoop,
        journal: Journal,
        facts: HostFacts,
        *,
        workers: Workers,
        on_change: Callable[[str], None],
        on_exit: Callable[[Process, Exit], None],
        on_begun: Callable[[Process], None],
        on_failed_start: Callable[[Process, SpawnError], None],
        on_event: Callable[[Event], None],
        on_log_trouble: Callable[[str, str | None], None],
        redact: Redactor,
        user_of: UserOf,
        is_declared: Callable[[str], bool],
        spec_of: Callable[[Process], ProgramSpec],
        kernel: Kernel,
        tally: Tally,
    ) -> None:
        self._kernel = kernel
        self._store = store
        self._loop = loop
        self._journal = journal
        self._on_change = on_change
        self._on_exit = on_exit
        self._on_begun = on_begun
        self._on_failed_start = on_failed_start
        self._spec_of = spec_of
        self._on_event = on_event
        self._redact = redact
        recorded = journal.processes()
        self._recorded = recorded
        self._mains = {tag.nonce: id for id, (tag, _) in recorded.items()}
        """By nonce, the main processes that earlier controllers wrote down."""
        cgroups = Cgroups(facts.cgroups, store)
        self.host = kernel.processes(
            store,
            state_dir,
            loop,
            journal=self._witness,
            recorded=self._recorded_as,
            main_of=self._mains.get,
            on_exit=self._exited,
            on_gone=self._gone,
            user_of=user_of,
            cgroups=facts.cgroups.path,
            cgroup_members=cgroups.members,
        )
        self._starting = Starting(loop, self.host, on_change)
        self.limiting = Limiting(facts, cgroups, self.host, on_change, on_event, kernel=kernel)
        fifos = [Path(folder) for folder in fifo_dirs(state_dir, store)]
        holder = kernel.holder(store, loop)
        self.capture = Capture(
            state_dir, loop, on_trouble=on_log_trouble, fifos=fifos, tally=tally, holder=holder
        )
        self._stopper = Stopper(loop, self.host.signal, self._signal_all, self._hook_failed)
        self._sockets = Sockets(self._instances_with, self._stranger_at)
        self._private = PrivateSockets(state_dir, store)
        self._preload = handover.install_preload(state_dir)
        self._ready = ReadyFiles(state_dir, store, handover.quoted(self._preload))
        self._credentials = Credentials(state_dir, store)
        self._probing = Probing(
            state_dir,
            store,
            loop,
            self.host,
            self._private,
            workers=workers,
            transcripts=self.capture.transcripts,
            on_change=on_change,
            on_event=on_event,
            is_declared=is_declared,
            redact=redact,
            reported_ready=self._ready.is_ready,
            kernel=kernel,
            tally=tally,
        )
        self.in_place = InPlace()
        self.in_place.register(
            "logs", apply=lambda app: self.capture.configure(app.name, app.spec.logs)
        )
        self.in_place.register("termination_grace_period_seconds", apply=self._change_grace)
        probes = (f"{role}_probe" for role in ProbeRole)
        self.in_place.register(*probes, apply=self._probe)
        # Main processes that ended and left children behind: on their way out until all are gone.
        self._remnants: dict[str, Process] = {}
        self._unasked: set[str] = set()
        """Nonces of adopted processes of which it is not known yet what to ask."""
        self._uncleared: dict[str, Tag] = {}
        """By nonce, what is gone with all its children, and has yet to be cleared away."""

    def observed(self, app: str | None = None) -> Observed:
        """The processes of one app, or of all; with those whose children have yet to go."""
        left = [p for p in self._remnants.values() if app is None or p.tag.app == app]
        processes = (*self.host.processes(app), *left)
        conflicts = {name: self._redact(why) for name, why in self._sockets.conflicts().items()}
        ports = self._probing.held(app)
        return Observed(processes, self.host.faults, conflicts, ports, self.limiting.inherited)

    def apps(self) -> set[str]:
        """Names of the apps of which anything runs."""
        return {*self.host.apps(), *(p.tag.app for p in self._remnants.values())}

    def lost(self) -> set[str]:
        """Names of the apps of which a process ended while no controller ran, in this boot."""
        live = {process.id for process in self.host.processes()}
        return {tag.app for id, (tag, _) in self._recorded.items() if id not in live}

    def ended_unseen(self) -> list[Process]:
        """Main processes that ended while no controller ran, though none had begun to stop them;
        with nothing of theirs left. Each is named once: the journal forgets it."""
        live = {process.id for process in self.host.processes()}
        found = []
        for id, (tag, stopping_at) in [*self._recorded.items()]:
            if id in live or tag.nonce in self._remnants or _is_alive(id):
                continue
            self._journal.ended(id)
            del self._recorded[id]
            if stopping_at is None:
                found.append(Process(tag, id, ticks_to_seconds(id.start)))
        return found

    def recover(self) -> None:
        """Finish what an earlier controller was writing; before anything else is done."""
        self.capture.recover()

    def relist(
        self,
        spec_of: Callable[[Process], ProgramSpec],
        *,
        full: bool = False,
        turn: bool = False,
        knows: Callable[[Process], bool] = lambda process: True,
    ) -> list[str]:
        """Look for processes of ours that are not known, and adopt them; faults are returned.

        ``knows``: whether the spec is that of the process's own revision. Of one of which it is not
        known yet what to ask, nothing is presumed until ``ask_adopted``.
        """
        found = self.host.relist(full, turn=turn)
        for process in found.adopted:
            if not knows(process):
                self._unasked.add(process.tag.nonce)
            self._adopt(process, spec_of(process))
            self._on_change(process.tag.app)
        for process in found.ended:
            self._adopt_remnant(process, spec_of(process))
            self._on_change(process.tag.app)
        return list(found.faults)

    def ask_adopted(self, spec_of: Callable[[Process], ProgramSpec]) -> None:
        """The manifests were read: ask what was adopted before it was known what to ask."""
        unasked, self._unasked = self._unasked, set()
        for process in map(self.host.get, sorted(unasked)):
            if process is not None and process.state is not RunState.STOPPING:
                self._ask(process, spec_of(process))

    def ask_as(self, nonce: str, app: Workload | None) -> None:
        """Ask an adopted process of an earlier revision, as which ``app`` was made again; None
        where it cannot be asked: its probe runs a command, and that takes the whole manifest."""
        process = self.host.get(nonce)
        if process is None or process.state is RunState.STOPPING:
            return
        if app is not None:
            self._probing.watch(process, app.spec, app)
        elif process.ready is None:
            self.host.update(nonce, ready=False)
            self._on_change(process.tag.app)

    def recollect(self) -> None:
        """The journal tells of processes that it could not tell of before."""
        self._recorded.update(self._journal.processes())
        self._mains |= {tag.nonce: id for id, (tag, _) in self._recorded.items()}

    def sweep(self) -> None:
        """Write down what processes left that ended while no controller ran."""
        live = {process.tag.nonce for process in self.host.processes()} | self._remnants.keys()
        self.capture.sweep(live)
        self._private.sweep(live)
        self._credentials.sweep(live)
        self._ready.sweep(live)
        self._probing.marks.sweep(live)
        self.limiting.sweep(live)

    def sample(self) -> None:
        """See which processes were frozen, resumed, or had their program replaced on disk."""
        for app in self.host.sample_states():
            self._on_change(app)
        self.limiting.sample()

    def start(self, app: Workload, action: Start) -> Process:
        """Start one instance. SpawnError, or OSError where its output cannot be captured.

        One of ``on_begun`` and ``on_failed_start`` hears of it, once: perhaps before this returns.
        """
        self._redact.learn(app)
        tag = Tag(self._store, app.name, action.instance, action.hash, self._kernel.nonce())
        account = account_of(app.spec.user, app.spec.group)
        owner = (account.uid, account.gid) if account.switch else None
        streams = self.capture.open(tag, *(owner or (None, None)))
        try:
            self._probing.prepare(app, tag)
            if app.credentials:
                self._credentials.create(tag.nonce, app.credentials, owner)
            if readyfile.is_needed(app.spec):
                self._ready.create(tag.nonce, owner)
            spawned = self._spawn(app, tag, streams)
        except BaseException:
            self.capture.detach(tag.nonce)
            self._probing.forget(tag.nonce)
            self._let_go(tag)
            raise
        finally:
            streams.close()
        process = spawned.process
        self.host.register(process, spawned.pidfd, account.uid if owner else None)
        self.limiting.born(process, app.spec.limits, enrolled=spawned.in_cgroup)
        self._journal.started(process.id, tag)
        self.capture.attach(tag, app.spec.logs, process.id.pid)
        if spawned.report.settled:
            self._probing.watch(process, app.spec)
            self._on_begun(process)
        else:
            begun = partial(self._begun, process, app.spec)
            self._starting.follow(process, spawned.report, begun)
        return process

    def _begun(self, process: Process, spec: ProgramSpec) -> None:
        """The program is exec'd: from now on it can be ready, and be asked."""
        nonce = process.tag.nonce
        app = self._declared(process.tag)
        spec = app.spec if app is not None else spec  # it may have been edited meanwhile
        ready = spec.readiness is None
        at = process.started_at if ready else None
        self.host.update(
            nonce, starting=False, unready_reason="", answer="", ready=ready or None, ready_at=at
        )
        known = self.host.get(nonce)
        if known is not None and known.state is not RunState.STOPPING:
            self._probing.watch(known, spec)
        self._on_begun(process)

    def _spawn(self, app: Workload, tag: Tag, streams: Streams) -> Spawned:
        """Start the program with its sockets: the shared ones, and its own for its probes."""
        sockets = app.spec.owned_sockets
        limit = self.limiting.at_birth(tag, app.spec.limits)
        plain = limit is None and is_plain(app)
        cgroup = self.limiting.place(tag, quick=plain)
        try:
            output = streams.stdout, streams.stderr
            start = partial(self._kernel.spawn, app, tag, *output, limit=limit, cgroup=cgroup)
            return self._with_sockets(app, tag, start) if sockets else start()
        finally:
            if cgroup >= 0:
                os.close(cgroup)

    def _with_sockets(self, app: Workload, tag: Tag, start: Callable[..., Spawned]) -> Spawned:
        sockets = app.spec.owned_sockets
        fds = self._sockets.hold(tag.nonce, sockets)
        handed = [*map(Handed, fds, sockets)]
        with ExitStack() as stack:
            for one in app.spec.probed_sockets():
                own = stack.enter_context(self._private.create(tag.nonce, one.name))
                handed.append(Handed(own.fileno(), one, private=True))
            grace = app.spec.termination_grace_period_seconds
            given = Handover(handed, self._preload, app.spec.stop.signal, grace)
            return start(given)

    def _clear_away(self, nonce: str) -> None:
        """The last output of a process that is gone, and all that was its own."""
        tag = self._uncleared.pop(nonce, None)
        if tag is not None:
            with ExitStack() as stack:
                stack.callback(self._let_go, tag)
                self.capture.detach(nonce)

    def _let_go(self, tag: Tag) -> None:
        """Sockets, credentials and cgroup of a process that is gone, or was never started: each,
        whatever becomes of the others."""
        with ExitStack() as stack:
            stack.callback(self.limiting.gone, tag)
            for kept in (self._ready, self._credentials, self._private):
                stack.callback(kept.remove, tag.nonce)
            self._sockets.release(tag.nonce)

    def declare(self, app: str, spec: ProgramSpec | None, limited: tuple[str, ...]) -> None:
        """Where an app listens, from before its first start to after its last; and the limits to
        look at on what runs of it."""
        wanted = spec.owned_sockets if spec is not None and spec.wanted else ()
        self._sockets.declare(app, wanted)
        self.limiting.declare(app, limited if spec is not None else ())

    def end(self, action: End, spec: ProgramSpec, app: Workload | None) -> None:
        """Begin to stop a process; a second call has no effect."""
        nonce = action.process.tag.nonce
        known = self.host.get(nonce)
        if known is None:
            return
        grace = spec.termination_grace_period_seconds
        # Nothing is to be drained by a program that was not exec'd.
        at = self._stopper.stop(known, spec.stop, grace, None if known.starting else app)
        self.host.update(nonce, state=RunState.STOPPING, stopping_at=at)
        self._probing.forget(nonce)
        self._journal.stopping(known.id, at)

    def _declared(self, tag: Tag) -> Workload | None:
        """The manifest of a process; None where it is of another revision."""
        app = self.in_place.applied(tag.app)
        return app if app is not None and same_revision(tag.hash, app.hash) else None

    def _change_grace(self, app: Workload) -> None:
        grace = app.spec.termination_grace_period_seconds
        for process in self.observed(app.name).processes:
            self._stopper.change_grace(process.tag.nonce, grace)

    def _probe(self, app: Workload) -> None:
        """Ask processes of its revision; others could not answer what is asked now."""
        for process in self.host.processes(app.name):
            is_its = same_revision(process.tag.hash, app.hash)
            is_its = is_its and process.tag.nonce not in self._unasked
            if is_its and process.state is not RunState.STOPPING:
                self._probing.watch(process, app.spec, app)

    def keep_runs(self, job: str, numbers: set[int]) -> None:
        """Remove the logs of a Job's runs that are not remembered any more."""
        live = {process.tag.instance for process in self.observed(job).processes}
        self.capture.keep(job, numbers | live)

    def close(self) -> None:
        """Leave everything running for the next controller."""
        for nonce in [*self._uncleared]:
            self._clear_away(nonce)
        self._probing.close()
        self._starting.close()
        self._stopper.close()
        self._sockets.close()
        self._private.close()
        self.capture.close()
        self.host.close()
        self.limiting.close()

    def _adopt(self, process: Process, spec: ProgramSpec) -> None:
        tag = process.tag
        if tag.nonce in self._unasked:  # a line that a probe waits for may be the next to come
            self.capture.transcripts.begin(tag.nonce, kept=True, whole=False)
        self.capture.attach(tag, spec.logs, process.id.pid)
        record = self._recorded.get(process.id)
        if record is None:
            self._journal.started(process.id, tag)
        elif record[1] is not None:
            stopping = replace(process, state=RunState.STOPPING, stopping_at=record[1])
            self.host.update(tag.nonce, state=RunState.STOPPING, stopping_at=record[1])
            self._stopper.restore(stopping, spec.stop, spec.termination_grace_period_seconds)
            return
        if process.starting:
            self._starting.abandon(process)
            return
        if tag.nonce not in self._unasked:
            self._ask(process, spec)

    def _ask(self, process: Process, spec: ProgramSpec) -> None:
        """Ask an adopted process whether it is ready, as its spec has it."""
        self._probing.adopt(process, spec)
        adopted = self.host.get(process.tag.nonce)
        if adopted is not None:
            self._probing.watch(adopted, spec, self._declared(process.tag))

    def _adopt_remnant(self, process: Process, spec: ProgramSpec) -> None:
        """Stop what a main process left behind that ended while no controller ran, and follow what
        is still written."""
        left = self.host.leftovers(process.tag.nonce)
        if left:  # else it has gone since
            self.capture.attach(process.tag, spec.logs, left[0].pid)
            self._end_remnant(process, left)

    def _exited(self, process: Process, exit: Exit) -> None:
        nonce = process.tag.nonce
        failure = self._starting.ended(nonce)
        exit = self.limiting.verdict(process, exit)
        self.limiting.ran(process, left=bool(self.host.leftovers(nonce)))
        if process.state is not RunState.STOPPING:
            self._probing.ended(process)
        self._probing.forget(nonce)
        left = self.host.leftovers(nonce)
        if not left:
            self._journal.ended(process.id)
            self._recorded.pop(process.id, None)
        else:
            if process.state is not RunState.STOPPING:
                exit = left_behind(exit, left)
            self._end_remnant(process, left)
        self._stopper.main_exited(nonce)
        if failure is None:
            self._on_exit(process, exit)
        else:
            self._on_failed_start(process, failure)

    def _end_remnant(self, process: Process, left: Sequence[ProcessId]) -> None:
        """Stop what a main process left behind, as its app wants to be stopped."""
        nonce, spec = process.tag.nonce, self._spec_of(process)
        grace = spec.termination_grace_period_seconds
        pids = ", ".join(str(id.pid) for id in left[:3])
        message = f"waiting for its remaining processes to end: pid {pids}"
        message += f" ({spec.stop.signal}, then SIGKILL after {grace:g} s)"
        # Until the last of them is gone the journal knows which was the main process: the next
        # controller takes none of them for it.
        recorded = self._recorded.get(process.id)
        at = (recorded[1] if recorded is not None else None) or boot_now()
        self._journal.stopping(process.id, at)
        remnant = replace(process, state=RunState.STOPPING, stopping_at=at, remnant=message)
        self._remnants[nonce] = remnant
        if nonce not in self._stopper:
            self._stopper.restore(remnant, spec.stop, grace)

    def _signal_all(self, nonce: str, signum: int) -> None:
        tag = self.host.tag_of(nonce)
        if tag is not None and signum == SIGKILL:
            self.limiting.kill(tag)
        self.host.signal_all(nonce, signum)

    def _gone(self, tag: Tag) -> None:
        nonce = tag.nonce
        remnant = self._remnants.pop(nonce, None)
        if remnant is not None:
            self._journal.ended(remnant.id)
            self._recorded.pop(remnant.id, None)
        self._stopper.gone(nonce)
        # After what is due now, and after its end is told with its last words (``History.owe``): a
        # replacement need not wait for what is left to be removed.
        self._uncleared[nonce] = tag
        self._loop.call_soon(self._loop.call_soon, self._clear_away, nonce)
        if remnant is not None:
            self._on_change(remnant.tag.app)

    def _hook_failed(self, nonce: str, sentence: str) -> None:
        process = self.host.get(nonce)
        if process is not None:
            tag = process.tag
            event = Event(
                tag.app, EventReason.FAILED_PRE_STOP_HOOK, sentence, "Warning", tag.instance
            )
            self._on_event(event)

    def _instances_with(self, address: Address) -> Iterator[tuple[int, int]]:
        """Processes of ours that have a socket open: its pidfd, and the number it has there."""
        inodes = [inode for inode, at in listeners.listening(address).items() if at == address]
        for process in self.host.processes() if inodes else ():
            pidfd = self.host.pidfd(process.tag.nonce)
            if pidfd is not None:
                for holder in listeners.holders(inodes, [process.id.pid]):
                    yield pidfd, holder.fd

    def _stranger_at(self, address: Address, own: set[int]) -> str | None:
        """Who else listens there: neither one of our sockets, nor one a process of ours has."""
        processes = self.host.processes()
        pids = [id.pid for process in processes for id in (process.id, *process.stragglers)]
        return listeners.stranger(address, own, pids)

    def _recorded_as(self, nonce: str) -> Tag | None:
        id = self._mains.get(nonce)
        return None if id is None else self._witness(id)

    def _witness(self, id: ProcessId) -> Tag | None:
        record = self._recorded.get(id)
        return record[0] if record else None


def _is_alive(id: ProcessId) -> bool:
    """Whether it runs, also where it may not be taken for one of recon's yet."""
    found = procfs.stat(id.pid)
    return found is not None and found.start == id.start and not procfs.is_dead(found)
