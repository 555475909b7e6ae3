"""A simulated host: processes that outlive controllers, and behave as their program says.

Programs are known by the first word of their command. Pids are higher than any that Linux gives
(2^22), so that no call that the loop makes by itself ever reaches a process of this machine.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGKILL
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.converge.process.spawn import Spawned
from reconciler.loop.kernel import Kernel
from reconciler.model.host.facts import UNLIMITED, CgroupFacts, HostFacts, Rlimit
from reconciler.model.spec.limits import Value
from reconciler.model.spec.probe import Probe
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.portowner import Found, Owner, Question
from reconciler.system.exec_errors import SpawnError
from tests.loop.simulated.clock import Clock

if TYPE_CHECKING:
    from tests.loop.simulated.processes import Processes

_FIRST_PID = 2**22
FACTS = HostFacts(
    cores=4,
    cpus=frozenset(range(4)),
    memory=64 << 30,
    most_processes=100_000,
    rlimits={
        "openFiles": Rlimit(1024, 1024),
        "coreSize": Rlimit(0, UNLIMITED),
        "processes": Rlimit(UNLIMITED, UNLIMITED),
    },
    cgroups=CgroupFacts(),
)


@dataclass
class Program:
    """How the processes of one program behave. Seconds."""

    executes_after: float | None = 0.0
    """From the fork to the exec; 0: it is over when recon hears of the process; None: never."""
    fault: Exception | None = None
    """Why it cannot be started."""
    ends_after: float | None = None
    """It ends by itself."""
    exit: Exit = field(default_factory=lambda: Exit(1))
    stops_after: float | None = 0.0
    """From a signal to its end; None: it ignores all but SIGKILL."""
    leaves: float | None = None
    """It leaves a child behind, which ends so long after a signal."""
    says: tuple[tuple[float, bytes], ...] = ()
    """What it writes to its standard output, and when after its start."""
    answers: Callable[[float], bool] = lambda age: True
    """Whether it answers a probe that comes so long after its start."""


class Done(NamedTuple):
    """One effect on the host."""

    at: float
    what: str
    """``start``, ``signal 15``, ``limits nice``"""
    app: str
    instance: int
    hash: str


@dataclass
class Alive:
    """One process of the host, with what it has forked."""

    tag: Tag
    id: ProcessId
    began: float
    program: Program
    starting: bool
    port: int | None
    state: RunState = RunState.RUNNING
    asked: int = 0
    """The last signal that it got, but SIGCONT; 0 for none."""
    child: ProcessId | None = None
    limits: dict[str, Value] = field(default_factory=dict)
    stdout: int = -1
    """Its end of its FIFO, where it writes anything."""


class Report:
    """Whether a program was exec'd, as its stub tells it."""

    def __init__(self, number: int, *, settled: bool) -> None:
        self._number = number
        self.settled = settled
        self.failure: SpawnError | None = None

    def fileno(self) -> int:
        return self._number

    def look(self) -> bool:
        return self.settled

    def close(self) -> None:
        pass


class SimulatedHost:
    """The host. ``kernel`` is what a controller on it is given."""

    def __init__(self, clock: Clock, programs: Mapping[str, Program]) -> None:
        self.clock = clock
        self.programs = {**programs}
        self.alive: dict[str, Alive] = {}
        """By nonce, in the order of their starts."""
        self.left: dict[str, Alive] = {}
        """By nonce: those whose main process has ended, and whose child lives."""
        self.done: list[Done] = []
        """What controllers did, in order."""
        self.refused_limits: dict[str, str] = {}
        """By field: why the kernel does not let it be changed."""
        self.shown: Processes | None = None
        """The controller's view that hears what happens; None while there is no controller."""
        self._numbers = itertools.count(_FIRST_PID)
        self._nonces = itertools.count(1)

    @property
    def kernel(self) -> Kernel:
        """What a controller on this host is given."""
        return Kernel(
            facts=lambda: FACTS,
            processes=cast("Any", self._view),
            spawn=self.spawn,
            check=self.check,
            exec_check=self.exec_check,
            port_owner=self.port_owner,
            set_limits=self.set_limits,
            read_limits=self.read_limits,
            nonce=lambda: f"{next(self._nonces):012x}",
            holder=lambda *_: None,
        )

    def of(self, app: str) -> list[Alive]:
        """The processes of an app that run, by instance and start."""
        return sorted(
            (one for one in self.alive.values() if one.tag.app == app),
            key=lambda one: (one.tag.instance, one.began),
        )

    # -- what the controller does --------------------------------------------------------------

    def spawn(
        self,
        app: Workload,
        tag: Tag,
        stdout: int,
        stderr: int,
        sockets: object = None,
        *,
        limit: Callable[[ProcessId], None] | None = None,
        cgroup: int = -1,
    ) -> Spawned:
        program = self._program(app)
        if program.fault is not None and program.executes_after == 0:
            raise program.fault
        number = next(self._numbers)
        settled = program.executes_after == 0
        one = Alive(tag, ProcessId(number, 1), self.clock.now, program, not settled, _port(app))
        if limit is not None:
            self.alive[tag.nonce] = one
            try:
                limit(one.id)
            except SpawnError:
                del self.alive[tag.nonce]
                raise
        self.alive[tag.nonce] = one
        self._note("start", tag)
        if program.says:
            one.stdout = os.dup(stdout)  # as long as it lives, nothing in its FIFO is lost
        for after, text in program.says:
            self.clock.at(one.began + after, partial(self._say, one, text))
        report = Report(number, settled=settled)
        if settled:
            self._executed(one)
        elif program.executes_after is not None:
            self.clock.at(one.began + program.executes_after, lambda: self._settle(one, report))
        asked = app.spec.readiness is not None
        known = not asked and settled
        process = Process(
            tag,
            one.id,
            one.began,
            ready=True if known else None,
            ready_at=one.began if known else None,
            starting=not settled,
        )
        return Spawned(process, -1, cast("Any", report))

    def signal(self, nonce: str, signum: int) -> bool:
        """To the main process; False where it is gone."""
        one = self.alive.get(nonce)
        if one is None:
            return False
        if signum == SIGCONT:
            one.state = RunState.RUNNING
            return True
        if one.asked == SIGKILL:
            return True
        self._note(f"signal {signum}", one.tag)
        after = 0.0 if signum == SIGKILL else one.program.stops_after
        one.asked = signum
        if after is not None:
            self.clock.at(self.clock.now + after, lambda: self.end(nonce, Exit(signal=signum)))
        return True

    def signal_left(self, nonce: str, signum: int) -> int:
        """To what the main process left behind."""
        one = self.left.get(nonce)
        if one is None or signum == SIGCONT:
            return 0
        self._note(f"signal {signum} to its child", one.tag)
        after = 0.0 if signum == SIGKILL else one.program.leaves or 0.0
        self.clock.at(self.clock.now + after, lambda: self._child_ends(nonce))
        return 1

    def set_limits(
        self,
        tag: Tag,
        members: Callable[[], Iterable[ProcessId]],
        values: Mapping[str, Value],
        cgroups: Cgroups,
    ) -> dict[str, str]:
        refused = {field: why for field, why in self.refused_limits.items() if field in values}
        one = self.alive.get(tag.nonce)
        if one is not None:
            one.limits |= {field: value for field, value in values.items() if field not in refused}
            self._note(f"limits {', '.join(sorted(values))}", tag)
        return refused

    def read_limits(
        self, process: Process, fields: Iterable[str], cgroups: CgroupFacts
    ) -> dict[str, Value]:
        one = self.alive.get(process.tag.nonce)
        return {f: one.limits.get(f, "unset") for f in fields} if one is not None else {}

    async def exec_check(
        self, app: Workload, process: Process, command: tuple[str, ...], seconds: float
    ) -> tuple[bool, str]:
        one = self.alive.get(process.tag.nonce)
        answers = one is not None and self._answers(one)
        return answers, f"{command[0]} ended with {'0' if answers else '1'}"

    async def check(self, probe: Probe, instance: int, private: str | None = None) -> Result:
        """The eldest that listens there answers."""
        target = probe.tcp_socket or probe.http_get
        assert target is not None
        for one in self.alive.values():
            if one.port == target.port and self._answers(one):
                return Result(True, "connected")
        return Result(False, f"connection refused on 127.0.0.1:{target.port}")

    def port_owner(self, question: Question) -> Found:
        for one in self.alive.values():
            if one.port == question.port and self._answers(one):
                if one.id.pid in question.own:
                    return Found(Owner.OWN)
                if one.tag.nonce in question.rivals:
                    return Found(Owner.ANOTHERS, one.tag.nonce, one.id.pid, True)
        return Found()

    # -- what happens --------------------------------------------------------------------------

    def end(self, nonce: str, exit: Exit) -> None:
        """A main process ends."""
        one = self.alive.pop(nonce, None)
        if one is None:
            return
        if one.stdout >= 0:
            os.close(one.stdout)
        if one.program.leaves is not None:
            one.child = ProcessId(next(self._numbers), 1)
            self.left[nonce] = one
        if self.shown is not None:
            self.shown.main_ended(nonce, exit, one.child)

    def freeze(self, nonce: str) -> None:
        """Somebody sends SIGSTOP."""
        self.alive[nonce].state = RunState.FROZEN

    def _child_ends(self, nonce: str) -> None:
        one = self.left.pop(nonce, None)
        if one is not None and self.shown is not None:
            self.shown.child_ended(one.tag)

    def _settle(self, one: Alive, report: Report) -> None:
        """The stub has become its program, or could not."""
        if one.tag.nonce not in self.alive:
            return
        report.settled = True
        if isinstance(one.program.fault, SpawnError):
            report.failure = one.program.fault
        if self.shown is not None:
            self.shown.heard(report.fileno())
        if report.failure is not None:
            self.end(one.tag.nonce, Exit(127))
        else:
            self._executed(one)

    def _program(self, app: Workload) -> Program:
        return self.programs.get(app.spec.command[0], Program())

    def _executed(self, one: Alive) -> None:
        one.starting = False
        after = one.program.ends_after
        if after is not None:
            self.clock.at(self.clock.now + after, lambda: self.end(one.tag.nonce, one.program.exit))

    def _say(self, one: Alive, text: bytes) -> None:
        if one.tag.nonce in self.alive:
            os.write(one.stdout, text)

    def _answers(self, one: Alive) -> bool:
        runs = not one.starting and one.state is RunState.RUNNING
        return runs and one.program.answers(self.clock.now - one.began)

    def _note(self, what: str, tag: Tag) -> None:
        self.done.append(Done(self.clock.now, what, tag.app, tag.instance, tag.hash))

    def _view(self, store: str, state_dir: Path, loop: Any, **calls: Any) -> Processes:
        from tests.loop.simulated.processes import Processes

        self.shown = Processes(self, store, loop, calls["on_exit"], calls["on_gone"])
        return self.shown


def _port(app: Workload) -> int | None:
    """Where its program listens: where it is asked."""
    for probe in app.spec.probes.values():
        target = probe.tcp_socket or probe.http_get
        if target is not None and isinstance(target.port, int):
            return target.port
    return None
