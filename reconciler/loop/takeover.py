"""What a new controller makes of what an earlier one left, and of what was lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.backoff import after_exit, holds
from reconciler.diff.jobs import runs
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.processes.running import Running
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Problem, Source, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.observed import Exit
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision, spec_of
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from reconciler.system.clock import boot_now, wall_time


class Takeover:
    """Corrects what is remembered before the first pass."""

    def __init__(
        self, declared: Declared, running: Running, history: History, journal: Journal
    ) -> None:
        self._declared = declared
        self._running = running
        self._history = history
        self._journal = journal

    def note_unremembered(self) -> None:
        """Apps of which the memory was lost with a damaged journal are marked so, once."""
        if self._history.journal.unremembered is Recall.LOST:
            for name in {*self._declared.apps(), *self._running.apps()} - {*self._history.memories}:
                self._history.remember(name, AppMemory(recall=Recall.LOST))
            self._journal.losses_noted()
        self._history.flush()

    def note_lost(self) -> None:
        """What was lost unseen, as when a container is started again, starts in order again."""
        running, lost = self._running.apps(), self._running.lost()
        for name, memory in [*self._history.memories.items()]:
            # One in backoff had ended before: it goes on as it was, however it ended.
            unseen = name in lost or not memory.ended
            if memory.begun and unseen and name not in running:
                self._history.remember(name, replace(memory, begun=False))

    def note_unseen_ends(self) -> None:
        """What is to run once (``restartPolicy: Never``), and ended while no controller ran, has
        ended. How it ended is unknown: with OnFailure that counts as a failure, so nothing is noted
        then, and it is started again at once."""
        apps = self._declared.apps()
        for process in self._running.ended_unseen():
            name = process.tag.app
            spec, memory = apps[name].spec if name in apps else None, self._history.memory(name)
            if not isinstance(spec, AppSpec) or spec.restart_policy is not RestartPolicy.NEVER:
                continue
            aim = history.accounts_to(memory, process)
            if aim is None or holds(memory, process.tag.instance, aim) is not None:
                continue
            later = after_exit(memory, process, Exit(), spec, target=aim, now=boot_now())
            if later is not memory:
                self._history.remember(name, later)
                message = f"pid {process.id.pid} ended while no controller ran: {Exit()}"
                event = Event(name, EventReason.EXITED, message, "Warning", process.tag.instance)
                self._history.record(event)

    async def ask_earlier(self, key: bytes | None) -> None:
        """Ask what an earlier controller began of other revisions than those that are declared, by
        commands: each takes its whole manifest, made of what the journal remembers."""
        for process in self._running.observed().processes:
            tag, app = process.tag, self._declared.apps().get(process.tag.app)
            if process.starting or (app is not None and same_revision(app.hash, tag.hash)):
                continue
            revision = self._history.memory(tag.app).revision(tag.hash)
            if revision is None:
                probes = app.spec.probes if app is not None else {}
            else:
                probes = spec_of(revision).probes
            if not any(probe.kind.runs for probe in probes.values()):
                continue
            built: Workload | Problem | None = None
            if revision is not None:
                source = Source(self._declared.source_of(tag.app) or "", 1)
                with suppress(OSError):
                    built = await self._declared.rebuilt(tag.app, revision.spec, source, key)
            as_it_was = replace(built, hash=tag.hash) if isinstance(built, Workload) else None
            self._running.ask_as(tag.nonce, as_it_was)

    def presume_built(self, names: Iterable[str]) -> None:
        """The state directory was lost: what runs has been built, and is not built again."""
        apps = [self._declared.apps()[name] for name in names]
        for app, builder in ((one, builder) for one in apps for builder in one.builders):
            if self._history.memory(builder.name).runs:
                continue
            processes = self._running.observed(app.name).processes
            if any(same_revision(process.tag.hash, app.hash) for process in processes):
                memory = history.record(self._history.memory(builder.name), builder)
                done = runs.presumed(memory, wall_time().at(boot_now()))
                self._history.remember(builder.name, done)
