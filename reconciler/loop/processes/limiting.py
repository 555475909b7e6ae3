"""Limits on what runs: in force from birth, put right in place, told when they were met.

The seam between the instance's record (``Host``), what reads its limits (``observed.host.limits``)
and what puts them in force (``converge.cgroups.limits``, ``converge.cgroups.cgroup``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from signal import SIGKILL

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.converge.cgroups.join import Enroller
from reconciler.converge.isolation import coredump, oomscore
from reconciler.converge.process import descriptors
from reconciler.converge.process.spawn import Limit, SpawnError
from reconciler.loop.kernel import Kernel
from reconciler.model.host.facts import HostFacts, Rlimit
from reconciler.model.spec.limits import Limits, Value, shown, wanted
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import Adjust
from reconciler.model.state.reason import EventReason
from reconciler.observed.host import cgroups as observed_cgroups
from reconciler.observed.host import limits as observed_limits
from reconciler.observed.processes.host import Host
from reconciler.system.clock import boot_now

_TELL_AGAIN = 600.0
"""Seconds between two events on forks that were refused: a bomb refuses thousands a second."""
_NOT_THE_KERNEL = "a person or another program; not the kernel's OOM killer"
_SHARE = 1000
_IN_A_ROW, _STEADY = 0.05, 1.0
"""Seconds between starts, and of a run: see ``Limiting.place``."""


@dataclass(slots=True)
class _Refused:
    """Forks that the kernel refused to an instance."""

    count: int = 0
    reported_at: float = float("-inf")


class Limiting:
    """The limits of one store's processes."""

    def __init__(
        self,
        facts: HostFacts,
        cgroups: Cgroups,
        host: Host,
        on_change: Callable[[str], None],
        on_event: Callable[[Event], None],
        *,
        kernel: Kernel,
    ) -> None:
        self._kernel = kernel
        self._host = host
        self._on_change = on_change
        self._on_event = on_event
        self._fields: dict[str, tuple[str, ...]] = {}
        self._read: dict[str, tuple[str, ...]] = {}
        self._forks: dict[str, _Refused] = {}
        self._kept: set[Tag] = set()
        self._sample_at = 0.0
        self._placed_at = 0.0
        self._steady: set[str] = set()
        self._leaving: set[str] = set()
        self.cgroups = cgroups
        self._enroller = Enroller(cgroups)
        # What the controller has changed for itself is not what its programs start with.
        files = Rlimit(descriptors.soft_limit(), facts.rlimits["openFiles"].hard)
        core = Rlimit(*coredump.of_programs())
        rlimits = {**facts.rlimits, "openFiles": files, "coreSize": core}
        inherits = replace(facts, rlimits=rlimits)
        fields = (field.alias or name for name, field in Limits.model_fields.items())
        found = observed_limits.of_controller(inherits, fields)
        self.inherited = {**found, "oomScoreAdjust": oomscore.of_programs()}
        """What a process has where its app declares no such limit."""

    def at_birth(self, tag: Tag, declared: Limits) -> Limit | None:
        """What puts the limits in force on a new process; None where there are none."""
        values = wanted(declared)
        if not values:
            return None

        def limit(id: ProcessId) -> None:
            if self.cgroups.possible and id.pid not in self.cgroups.members(tag):
                with contextlib.suppress(OSError):  # where a limit needs it, that is told below
                    self.cgroups.enter(tag, id.pid)
            refused = self._kernel.set_limits(tag, lambda: [id], values, self.cgroups)
            if refused:
                field, why = next(iter(refused.items()))
                message = f"limits.{field} cannot be applied: {why}"
                raise SpawnError(message, transient=False)

        return limit

    def place(self, tag: Tag, *, quick: bool) -> int:
        """A descriptor of the cgroup that a new process is to be born in, which the caller closes;
        -1 where it is none.

        To be born there takes a millisecond more than to be moved there later, and is of use to
        programs that put themselves in the background at once. So it is left out, where the start
        is ``quick`` otherwise, of starts in a row, and of a program that has run for a while, or
        ran so and left nothing behind. Its lineage tells of what it forks until it is there.
        """
        now = boot_now()
        lone, self._placed_at = now - self._placed_at > _IN_A_ROW, now
        needed = tag.app in self._leaving or (lone and not self._is_steady(tag.app, now))
        return self.cgroups.open(tag) if needed or not quick else -1

    def _is_steady(self, app: str, now: float) -> bool:
        """Whether its program stays in the foreground, as far as is known."""
        runs = self._host.processes(app)
        return app in self._steady or any(now - one.started_at >= _STEADY for one in runs)

    def ran(self, process: Process, *, left: bool) -> None:
        """A main process has ended; whether it left others behind."""
        app = process.tag.app
        self._steady.discard(app)
        if left:
            self._leaving.add(app)
        elif boot_now() - process.started_at >= _STEADY:
            self._steady.add(app)

    def born(self, process: Process, declared: Limits, *, enrolled: bool) -> None:
        """The limits are in force on a process that has just been started."""
        if values := wanted(declared):
            self._host.update(process.tag.nonce, limits=values)
            self._read[process.tag.nonce] = tuple(sorted(values))
        elif not enrolled:
            self._enroller.add(process.tag, process.id)

    def declare(self, app: str, fields: tuple[str, ...]) -> None:
        """The fields to look at on the processes of an app (``AppMemory.limited``)."""
        if fields:
            self._fields[app] = fields
        else:
            self._fields.pop(app, None)
        for process in self._host.processes(app) if fields else ():
            if self._read.get(process.tag.nonce) != fields:
                self._look(process, fields)

    def sample(self) -> None:
        """See what was changed by hand, and which limits were met; some 40 µs an instance, and so
        rarely that it takes no more than a thousandth of a core."""
        if boot_now() < self._sample_at:
            return
        began = time.thread_time()
        for app, fields in [*self._fields.items()]:
            for process in self._host.processes(app):
                self._look(process, fields)
                if "processes" in fields:
                    self._look_at_forks(process)
        for tag in [*self._kept]:
            self.gone(tag)
        self._sample_at = boot_now() + _SHARE * (time.thread_time() - began)

    def adjust(self, action: Adjust) -> Mapping[str, str]:
        """Put limits in force in place; by field, why that was not possible."""
        process = action.process
        tag = process.tag
        refused = self._kernel.set_limits(
            tag, lambda: self._host.members(tag.nonce), action.values, self.cgroups
        )
        fields = self._fields.get(tag.app) or tuple(action.values)
        now = self._kernel.read_limits(process, fields, self.cgroups.facts)
        for field, value in action.values.items():
            if field not in refused and now.get(field, value) != value:
                refused[field] = f"the kernel keeps {shown(field, now[field])}"
        unadjusted = {field: (action.values[field], why) for field, why in refused.items()}
        kept = {f: one for f, one in process.unadjusted.items() if f not in action.values}
        self._host.update(tag.nonce, limits=now, unadjusted={**kept, **unadjusted})
        return refused

    def verdict(self, process: Process, exit: Exit) -> Exit:
        """The exit; of one by SIGKILL with whether the kernel's OOM killer sent it, where known."""
        if exit.signal != SIGKILL:
            return exit
        kills = observed_cgroups.counter(
            self.cgroups.directory(process.tag), "memory.events", "oom_kill"
        )
        if kills is None:
            return exit
        if not kills:
            return replace(exit, detail=_NOT_THE_KERNEL)
        value = process.limits.get("memoryHard")
        over = f" over {shown('memoryHard', value)} (limits.memoryHard)" if value else ""
        return replace(
            exit, reason=EventReason.OOM_KILLED, detail=f"the kernel killed it: memory{over}"
        )

    def kill(self, tag: Tag) -> None:
        """End everything that an instance ever forked, as far as its cgroup knows."""
        self.cgroups.kill(tag)

    def gone(self, tag: Tag) -> None:
        """Nothing of an instance is left."""
        self._read.pop(tag.nonce, None)
        self._forks.pop(tag.nonce, None)
        if self.cgroups.remove(tag):
            self._kept.discard(tag)
        else:  # something is on its way out, or out of our sight: again later
            self._kept.add(tag)

    def sweep(self, live: set[str]) -> None:
        """Remove what an earlier controller left."""
        self.cgroups.sweep(live)

    def close(self) -> None:
        self._enroller.close()
        self.cgroups.close()

    def _look(self, process: Process, fields: Iterable[str]) -> None:
        fields = tuple(fields)
        self._read[process.tag.nonce] = fields
        found = self._kernel.read_limits(process, fields, self.cgroups.facts)
        if process.state is not RunState.STOPPING and found != process.limits:
            self._host.update(process.tag.nonce, limits=found)
            self._on_change(process.tag.app)

    def _look_at_forks(self, process: Process) -> None:
        tag = process.tag
        count = observed_cgroups.count(self.cgroups.directory(tag), "pids.events", "max")
        known = self._forks.setdefault(tag.nonce, _Refused())
        if count <= known.count or boot_now() - known.reported_at < _TELL_AGAIN:
            return
        value: Value = process.limits.get("processes", "max")
        message = f"limits.processes is {value}: {count - known.count} forks were refused"
        self._forks[tag.nonce] = _Refused(count, boot_now())
        self._on_event(
            Event(tag.app, EventReason.PROCESS_LIMIT_REACHED, message, "Warning", tag.instance)
        )
