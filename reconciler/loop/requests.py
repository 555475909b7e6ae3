"""What people ask of the controller by name: a restart, a run, a pause, a rise that has to wait.

Each only changes what is remembered, and has the app looked at again: what follows is the plan's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from reconciler.diff import admission
from reconciler.diff.core import history
from reconciler.diff.jobs import runs
from reconciler.diff.rollout import canary
from reconciler.loop.admission import Admission
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.processes.running import Running
from reconciler.loop.queue import WorkQueue
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Actor, Event
from reconciler.model.state.memory import Outcome, Recall
from reconciler.model.state.reason import EventReason
from reconciler.state.history import History
from reconciler.system.clock import boot_now, wall_time


class Requests:
    """The requests of one controller."""

    def __init__(
        self,
        declared: Declared,
        running: Running,
        history: History,
        queue: WorkQueue,
        admission: Admission,
    ) -> None:
        self._declared = declared
        self._running = running
        self._history = history
        self._queue = queue
        self._admission = admission

    def restart(self, names: Iterable[str], by: Actor | None = None) -> None:
        """Replace the processes of these apps, as an edit would; a failed revision is retried."""
        for name in names:
            self._build_again(name, by)
            memory = self._history.memory(name)
            retried = [replace(revision, failed=None) for revision in memory.revisions[-1:]]
            memory = replace(
                memory,
                revisions=(*memory.revisions[:-1], *retried),
                restart_requested_at=boot_now(),
                progressed_at=None,
                progress=0,
                ended={},
                left={},
                evictions={},
                recall=_relied_on(memory.recall),
            )
            self._history.remember(name, memory)
            self._history.record(
                Event(name, EventReason.RESTART_REQUESTED, "restart requested", by=by)
            )
            self._queue.add(name)

    def run_job(self, name: str, by: Actor | None = None) -> int:
        """Have a Job run now, whatever its schedule says; the number of the run."""
        app = self._declared.apps()[name]
        memory = history.record(self._history.memory(name), app)
        memory = replace(memory, recall=_relied_on(memory.recall))
        memory = admission.confirm(app, memory)  # asked for by name
        memory = runs.begin(memory, "requested", wall_time().at(boot_now()))
        self._history.remember(name, memory)
        self._history.record(Event(name, EventReason.RUN_REQUESTED, "a run is requested", by=by))
        self._queue.add(name)
        return memory.last_run

    def _build_again(self, name: str, by: Actor | None) -> None:
        """Run a failed build again: a restart of its app asks for that."""
        app = self._declared.apps().get(name)
        for builder in app.builders if app is not None else ():
            last = runs.newest(self._history.memory(builder.name))
            if last is not None and last.outcome is Outcome.FAILED:
                self.run_job(builder.name, by)

    def pause(self, name: str, by: Actor | None = None) -> None:
        """Hold an app's rollout; what runs is kept as it runs."""
        memory = self._history.memory(name)
        runs: dict[int, set[str]] = {}
        for process in self._running.observed(name).processes:
            runs.setdefault(process.tag.instance, set()).add(process.tag.hash)
        # What a number ran last is what it runs now, not what crashed in its place before that.
        ended = {n: end for n, end in memory.ended.items() if end.hash in runs.get(n, {end.hash})}
        self._history.remember(name, replace(memory, paused=True, ended=ended))
        self._history.record(
            Event(name, EventReason.DEPLOYMENT_PAUSED, "the rollout is paused", by=by)
        )
        self._queue.add(name)

    def resumption(self, name: str) -> Literal["resumed", "promoted"] | None:
        """What ``resume`` would do with a rollout; None: it is not held."""
        memory = self._history.memory(name)
        app = self._declared.apps().get(name)
        if memory.paused or memory.recall is Recall.LOST:
            return "resumed"
        if isinstance(app, DesiredApp) and canary.is_on(app.spec, memory):
            return "promoted"
        return None

    def resume(self, name: str, by: Actor | None = None) -> Literal["resumed", "promoted"] | None:
        """Have a rollout go on that is paused, or that waits for its canary; None: neither."""
        done = self.resumption(name)
        memory = self._history.memory(name)
        if done is None:
            return None
        if done == "promoted":
            fresh, message = canary.promoted(memory), "the rollout continues on request"
        elif memory.paused:
            fresh, message = replace(memory, paused=False), "the rollout goes on"
        else:
            fresh, message = replace(memory, recall=Recall.WHOLE), "the rollout goes on"
        reasons = {
            "promoted": EventReason.CANARY_PROMOTED,
            "resumed": EventReason.DEPLOYMENT_RESUMED,
        }
        self._history.remember(name, fresh)
        self._history.record(Event(name, reasons[done], message, by=by))
        self._queue.add(name)
        return done

    def applied(self, by: Actor, confirmed: str = "") -> None:
        """Record that a user has the manifests read again, and what waits is ``confirmed``."""
        message = "the manifests are read again"
        message += f"; {confirmed} that wait are confirmed" if confirmed else ""
        self._history.record(Event("", EventReason.APPLY_REQUESTED, message, by=by))

    def rising(self, name: str | None = None) -> list[str]:
        """The apps (or the one of this name) of which a rise could be confirmed now."""
        return [app.name for app in self._admission.rising(name)]

    def admit(
        self, *, confirm: bool = False, by: Actor | None = None, name: str | None = None
    ) -> None:
        """Judge again the rises that wait for room; ``confirm``: all that there are, or that of
        one app, are meant."""
        self._admission.judge_again()
        names = self._admission.confirm(by, name) if confirm else ()
        for each in {*names, *(n for n, one in self._history.memories.items() if one.withheld)}:
            self._queue.add(each)


def _relied_on(recall: Recall) -> Recall:
    """Lift what a lost memory holds, for an app that a user names."""
    return Recall.WHOLE if recall is Recall.LOST else recall
