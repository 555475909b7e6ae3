"""Rises of the count of instances: seen, judged once, and confirmed.

A pass costs one comparison here. The host is looked at only for an app of which more instances are
declared than were let in, and then all rises that there are at that moment are judged together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.checks.rises import judged
from reconciler.diff import admission
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.processes.running import Running
from reconciler.model.host.facts import HostFacts
from reconciler.model.host.load import Verdicts, Withheld
from reconciler.model.state.desired import Workload
from reconciler.model.state.event import Actor, Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process
from reconciler.model.state.reason import EventReason
from reconciler.state.history import History
from reconciler.system.clock import boot_now

_FRESH = 5.0
"""Seconds that a judgement is good for: of a thousand new files the first pass judges all."""


class Admission:
    """The verdicts on rises, for ``plan``."""

    def __init__(
        self, declared: Declared, running: Running, history: History, facts: HostFacts
    ) -> None:
        self._declared = declared
        self._running = running
        self._history = history
        self._facts = facts
        self._judged: dict[str, tuple[int, Withheld | None]] = {}
        """The count that was judged, and the verdict on it, of apps that have had no pass since."""
        self._at = 0.0

    def verdicts(self) -> Verdicts:
        """On all apps of which the count rises."""
        apps = self._declared.apps().values()
        return {one.name: self._verdict(one) for one in apps if self._rises(one)}

    def verdict(
        self, app: Workload | None, memory: AppMemory, processes: Sequence[Process]
    ) -> Verdicts:
        """On one app, if its count rises. ``processes``: its own."""
        if app is None:
            return {}
        if not admission.rises(app, _count(processes), memory):
            self._judged.pop(app.name, None)
            return {}
        return {app.name: self._verdict(app)}

    def judge_again(self) -> None:
        """What waits is judged again: a person has asked for it to be carried out."""
        self._judged.clear()
        for name in [*self._declared.apps()]:
            memory = self._history.memory(name)
            if memory.withheld is not None:
                self._history.remember(name, admission.reconsidered(memory))

    def rising(self, name: str | None = None) -> list[Workload]:
        """The apps (or the one of this name) of which more instances are declared than were let
        in or confirmed."""
        apps = self._declared.apps()
        chosen = [*apps.values()] if name is None else [apps[name]] if name in apps else []
        return [app for app in chosen if self._is_unconfirmed(app)]

    def confirm(self, by: Actor | None = None, name: str | None = None) -> set[str]:
        """Every rise that there is now (or that of one app) is meant; those that may follow are
        not."""
        found = set()
        for app in self.rising(name):
            memory = self._history.memory(app.name)
            self._history.remember(app.name, admission.confirm(app, memory))
            message = f"{admission.count_of(app):,} instances are confirmed"
            event = Event(app.name, EventReason.LOAD_CONFIRMED, message, by=by)
            self._history.record(event)
            found.add(app.name)
        if found:  # not to be asked for again, however this controller ends
            self._history.flush()
        return found

    def _is_unconfirmed(self, app: Workload) -> bool:
        memory = self._history.memory(app.name)
        return admission.count_of(app) > max(self._admitted(app, memory), memory.confirmed)

    def _rises(self, app: Workload) -> bool:
        memory = self._history.memory(app.name)
        return admission.rises(app, self._running_of(app, memory), memory)

    def _admitted(self, app: Workload, memory: AppMemory) -> int:
        return admission.admitted(app, self._running_of(app, memory), memory)

    def _running_of(self, app: Workload, memory: AppMemory) -> int:
        """Asked only where nothing is remembered."""
        if memory.admitted is not None:
            return 0
        return _count(self._running.observed(app.name).processes)

    def _verdict(self, app: Workload) -> Withheld | None:
        now, count = boot_now(), admission.count_of(app)
        known = self._judged.get(app.name)
        if known is None or known[0] != count or now - self._at > _FRESH:
            self._judge(now)
        return self._judged.get(app.name, (count, None))[1]

    def _judge(self, now: float) -> None:
        apps, memory = self._declared.apps(), self._history.memories
        blank = AppMemory(recall=self._history.journal.unremembered)
        processes = self._running.observed().processes
        found = judged(apps, memory, processes, self._facts, blank)
        self._judged = {name: (admission.count_of(apps[name]), one) for name, one in found.items()}
        self._at = now


def _count(processes: Iterable[Process]) -> int:
    """How many instances have a process."""
    return len({process.tag.instance for process in processes})
