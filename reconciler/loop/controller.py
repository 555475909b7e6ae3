"""The controller: the loop itself.

Every wake-up (a file, an exit, a probe's answer, a timer, a request) only says which app to look
at again. Looking means: the app as declared, its processes as observed, what is remembered →
``plan`` → its actions → look again, until the plan is empty. It may be killed at any instruction:
what runs is read from the host at the next start, what was meant from the manifests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.converge import retry
from reconciler.converge.spawn import SpawnError
from reconciler.desired.resolve import rebuild
from reconciler.desired.store import ManifestStore
from reconciler.diff.backoff import after_exit, after_failed_start
from reconciler.diff.history import target
from reconciler.diff.plan import plan
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.review import last_spec
from reconciler.loop.declared import Declared
from reconciler.loop.journal import Journal, RecordedEvent
from reconciler.loop.paths import StatePaths, secret_key, store_id
from reconciler.loop.queue import WorkQueue
from reconciler.loop.running import Running
from reconciler.model.desired import Desired, DesiredApp
from reconciler.model.event import Event
from reconciler.model.manifest import AppSpec
from reconciler.model.memory import AppMemory
from reconciler.model.observed import Exit, Process, RunState
from reconciler.model.plan import Action, AppPlan, Condition, Plan, Start
from reconciler.model.revision import same_revision
from reconciler.observed.clock import boot_id, boot_now

_log = logging.getLogger(__name__)

# Apps worked on at a time: one that starts a thousand instances does not hold up the others.
_WORKERS = 4
# Effects in a row before the event loop may look at anything else.
_SLICE = 16
# The safety net behind pidfds (seconds), and the look at states that give no event at all.
_RELIST = 5.0
_FULL_RELIST = 60.0
_SAMPLE = 15.0
# Journal writes are gathered for this long (seconds), and retried as rarely when the disk is full.
_COMMIT = 0.05
_COMMIT_AGAIN = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a controller is started with."""

    manifests: Path
    paths: StatePaths
    profile: str | None = None
    down: bool = False
    """Stop everything of this state directory, then exit."""


class Controller:
    """One controller; the lock on the state directory is held by the caller."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        self.options = options
        self._loop = loop
        self._boot = boot_id()
        paths = options.paths
        self._key = secret_key(paths, create=True)
        self.journal = Journal(paths.database, self._boot)
        self._memory = self.journal.memories()
        self._queue = WorkQueue(loop, boot_now)
        self._running = Running(
            paths.root,
            store_id(paths),
            loop,
            self.journal,
            on_change=self._queue.add,
            on_exit=self._exited,
            on_event=self.record,
            on_log_trouble=self._log_trouble,
        )
        store = ManifestStore(options.manifests, profile=options.profile, key=self._key)
        self._declared = Declared(store, options.manifests, loop, self._declaration_changed)
        self._log_troubles: dict[str, str] = {}
        self._attempts: dict[str, int] = {}
        self._rebuilt: dict[str, DesiredApp] = {}
        self._listeners: set[Callable[[RecordedEvent], None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving = options.down
        self._commit_timer: asyncio.TimerHandle | None = None
        self.stopped = asyncio.Event()
        """Set when everything was stopped on request (``down``)."""

    # -- life ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what runs, load what is declared, and begin to converge."""
        self._running.recover()
        self._relist(full=True)
        root = self.journal.setting("root")
        self._declared.start(
            self._memory,
            self.journal.sources(),
            {*self._memory, *self._running.apps()},
            tuple(map(int, root.split(":"))) if root else None,  # type: ignore[arg-type]
            self._key,
        )
        self._running.sweep()
        for name in self._names():
            self._queue.add(name)
        for _ in range(_WORKERS):
            self._tasks.append(self._loop.create_task(self._work()))
        self._tasks.append(self._loop.create_task(self._net()))
        self._check_stopped()

    def close(self) -> None:
        """Leave. Apps run on; the next controller takes them over."""
        for task in self._tasks:
            task.cancel()
        self._queue.close()
        self._declared.close()
        self._running.close()
        if self._commit_timer is not None:
            self._commit_timer.cancel()
        self.journal.close()

    # -- requests ------------------------------------------------------------------------------

    def rescan(self, *, confirm_prune: bool = False) -> None:
        """Look at all manifests now."""
        self._declared.rescan(confirm=confirm_prune)

    async def settle(self) -> None:
        """Until every app that is waiting to be looked at has been."""
        while not self._queue.idle():
            await asyncio.sleep(0.001)

    def restart(self, names: Iterable[str]) -> None:
        """Replace the processes of these apps, as an edit would; a failed revision is retried."""
        for name in names:
            memory = self._memory.get(name, AppMemory())
            revisions = tuple(replace(r, failed=None) for r in memory.revisions[-1:])
            self._remember(
                name,
                replace(
                    memory,
                    revisions=(*memory.revisions[:-1], *revisions),
                    restart_requested_at=boot_now(),
                    progressed_at=None,
                    progress=0,
                    ended={},
                ),
            )
            self.record(Event(name, "RestartRequested", "restart requested"))
            self._queue.add(name)

    def down(self) -> None:
        """Stop everything; ``stopped`` is set when the last process is gone."""
        self._leaving = True
        for name, memory in self._memory.items():
            if memory.ended:  # whoever brings it up again means now, not after some backoff
                self._remember(name, replace(memory, ended={}))
        for name in self._running.apps():
            self._queue.add(name)
        self._check_stopped()

    @property
    def leaving(self) -> bool:
        """Everything is being stopped."""
        return self._leaving

    def plan(self, *names: str) -> Plan:
        """The plan as it is now: of these apps, or of all. Nothing is done by asking."""
        now = boot_now()
        if names:
            observed = self._running.observed(names[0]) if len(names) == 1 else None
            observed = observed or self._running.observed()
            memory: Mapping[str, AppMemory] = {n: self._memory.get(n, AppMemory()) for n in names}
            whole = self._slice(names)
        else:
            observed, memory = self._running.observed(), self._memory
            whole = self._declared.snapshot()
        if self._leaving:
            whole = Desired({}, whole.problems)
        made = plan(whole, observed, memory, now, self._verdicts(names))
        return replace(made, apps=tuple(self._with_troubles(app) for app in made.apps))

    def declared(self) -> Mapping[str, DesiredApp]:
        """The apps as declared now."""
        return self._declared.apps()

    def processes(self) -> tuple[Process, ...]:
        """All processes of ours."""
        return self._running.observed().processes

    def memory(self, name: str) -> AppMemory:
        return self._memory.get(name, AppMemory())

    def listen(self, listener: Callable[[RecordedEvent], None]) -> Callable[[], None]:
        """Hear of every event; the returned call ends it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def record(self, event: Event) -> None:
        """Write an event into the journal and tell those who listen."""
        recorded = self.journal.record(event)
        self._commit_soon()
        for listener in tuple(self._listeners):
            listener(recorded)

    # -- the loop ------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            name = await self._queue.get()
            try:
                await self._reconcile(name)
            except Exception as error:
                self._own_trouble(name, error)
            finally:
                self._queue.done(name)

    async def _reconcile(self, name: str) -> None:
        """One pass over one app."""
        (app_plan,) = self.plan(name).apps or (None,)
        if app_plan is None:
            return
        if not self._leaving:
            self._take_note(app_plan)
        for count, action in enumerate(app_plan.actions, 1):
            self._execute(app_plan, action)
            if count % _SLICE == 0:
                await asyncio.sleep(0)
                if self._queue.is_dirty(name):
                    break
        self._attempts.pop(name, None)
        if self._leaving:
            return
        if app_plan.actions:
            self._queue.add(name)
        elif app_plan.look_again_at is not None:
            self._queue.add_at(name, app_plan.look_again_at)
        self._forget_if_gone(app_plan)

    def _take_note(self, app_plan: AppPlan) -> None:
        if app_plan.desired is not None and app_plan.memory is not self._memory.get(app_plan.app):
            self._remember(app_plan.app, app_plan.memory)
        for event in app_plan.events:
            self.record(event)

    def _execute(self, app_plan: AppPlan, action: Action) -> None:
        """One effect. Trouble of the app's making is remembered, ours is raised."""
        app = app_plan.desired
        if isinstance(action, Start):
            assert app is not None
            self._start(app, action)
            return
        spec = app.spec if app is not None else last_spec(app_plan.memory)
        self._running.end(action, spec, app)
        tag = action.process.tag
        told = f"stopping pid {action.process.id.pid}: {action.reason}"
        self.record(Event(tag.app, "Killing", told, instance=tag.instance))

    def _start(self, app: DesiredApp, action: Start) -> None:
        revision = self._revision(app, action.hash)
        try:
            if revision is None:
                raise SpawnError(f"revision {action.hash} cannot be read back", False)
            process = self._running.start(revision, action)
        except SpawnError as error:
            if error.transient:
                raise
            memory = self._memory[app.name]
            later = after_failed_start(memory, action, str(error), app.spec, boot_now())
            self._remember(app.name, later)
            event = Event(app.name, "FailedCreate", str(error), "Warning", action.instance)
            self.record(event)
            return
        told = f"started pid {process.id.pid} ({action.reason})"
        self.record(Event(app.name, "Started", told, instance=action.instance))

    def _revision(self, app: DesiredApp, hash: str) -> DesiredApp | None:
        """The app as of the revision that shall be started: the manifest's, or the last good."""
        if same_revision(app.hash, hash):
            return app
        known = self._rebuilt.get(app.name)
        if known is None or known.hash != hash:
            remembered = self.memory(app.name).revision(hash)
            if remembered is None:
                return None
            built = rebuild(app.name, remembered.spec, app.source, key=self._key)
            if not isinstance(built, DesiredApp):
                raise SpawnError(f"revision {remembered.number}: {built}", False)
            known = self._rebuilt[app.name] = replace(built, hash=hash)
        return known

    # -- what happens --------------------------------------------------------------------------

    def _declaration_changed(self, names: Iterable[str]) -> None:
        apps = self._declared.apps()
        for name in names:
            if name in apps:
                self._running.configure(apps[name])
            self._queue.add(name)

    def _exited(self, process: Process, exit: Exit) -> None:
        name, number = process.tag.app, process.tag.instance
        pid = process.id.pid
        if process.state is RunState.STOPPING:
            self.record(Event(name, "Stopped", f"pid {pid} ended: {exit}", instance=number))
        else:
            self._account(process, exit)
        self._queue.add(name)
        self._check_stopped()

    def _account(self, process: Process, exit: Exit) -> None:
        """An end that nobody asked for."""
        name, number = process.tag.app, process.tag.instance
        memory = self.memory(name)
        aim = target(memory)
        if aim is not None:
            later = after_exit(
                memory, process, exit, self._spec(name), target=aim.hash, now=boot_now()
            )
            if later is not memory:
                self._remember(name, later)
        told = f"pid {process.id.pid} ended: {exit}"
        self.record(Event(name, "Exited", told, "Normal" if exit.success else "Warning", number))
        ended = self.memory(name).ended.get(number)
        if ended is not None and ended.failures > 1 and ended.retry_at is not None:
            wait = max(0.0, ended.retry_at - boot_now())
            told = f"crashed {ended.failures} times in a row; next try in {wait:.1f} s"
            self.record(Event(name, "BackOff", told, "Warning", number))

    def _own_trouble(self, name: str, error: Exception) -> None:
        """Our trouble, not the app's: tell it once, and climb our own ladder."""
        attempt = self._attempts[name] = self._attempts.get(name, 0) + 1
        if attempt == 1:
            _log.error("%s could not be brought to what is declared", name, exc_info=error)
            self.record(Event(name, "FailedSync", f"{error}; trying again", "Warning"))
        self._queue.add_at(name, boot_now() + retry.delay(attempt))

    def _log_trouble(self, app: str, message: str | None) -> None:
        before = self._log_troubles.get(app)
        if message is None:
            self._log_troubles.pop(app, None)
            self.record(Event(app, "LogsRecovered", "output is written again"))
        else:
            self._log_troubles[app] = message
            if before is None:
                self.record(Event(app, "LogsDropped", message, "Warning"))

    async def _net(self) -> None:
        """The safety net: what pidfds and inotify did not tell."""
        last_full = last_sample = boot_now()
        while True:
            await asyncio.sleep(_RELIST)
            now = boot_now()
            full = now - last_full >= _FULL_RELIST
            self._relist(full=full)
            last_full = now if full else last_full
            if now - last_sample >= _SAMPLE:
                self._running.sample()
                last_sample = now

    def _relist(self, *, full: bool = False) -> None:
        for fault in self._running.relist(self._spec, full=full):
            self.record(Event("", "WitnessConflict", fault, "Warning"))

    # -- small things --------------------------------------------------------------------------

    def _names(self) -> set[str]:
        return {*self._declared.apps(), *self._running.apps(), *self._declared.absences()}

    def _slice(self, names: Iterable[str]) -> Desired:
        apps = self._declared.apps()
        return Desired({name: apps[name] for name in names if name in apps})

    def _verdicts(self, names: tuple[str, ...]) -> Mapping[str, Absence]:
        if self._leaving:
            down = Absence(Verdict.DELETE, "recon down")
            return dict.fromkeys(names or self._running.apps(), down)
        if names:
            return {k: v for name in names for k, v in self._declared.absence(name).items()}
        return self._declared.absences()

    def _spec(self, name: str) -> AppSpec:
        app = self._declared.apps().get(name)
        return app.spec if app is not None else last_spec(self.memory(name))

    def _with_troubles(self, app: AppPlan) -> AppPlan:
        trouble = self._log_troubles.get(app.app)
        if trouble is None:
            return app
        condition = Condition("LogsDropped", "True", "LogsDropped", trouble)
        status = app.status
        message = status.message or trouble
        status = replace(status, conditions=(*status.conditions, condition), message=message)
        return replace(app, status=status)

    def _remember(self, name: str, memory: AppMemory) -> None:
        app = self._declared.apps().get(name)
        source = app.source.file if app else None
        self._memory[name] = self.journal.remember(name, memory, source)
        self._commit_soon()

    def _forget_if_gone(self, app_plan: AppPlan) -> None:
        """A removed app leaves the journal with its last process."""
        name = app_plan.app
        if app_plan.desired is not None or app_plan.status.instances or self._leaving:
            return
        verdict = self._declared.absence(name).get(name)
        if verdict is not None and verdict.verdict is Verdict.DELETE:
            self._memory.pop(name, None)
            self._declared.forget(name)
            self.journal.forget(name)
            self.record(Event(name, "Pruned", "manifest removed, nothing of it runs"))

    def _check_stopped(self) -> None:
        if self._leaving and not self._running.apps():
            self.stopped.set()

    def _commit_soon(self, wait: float = _COMMIT) -> None:
        if self._commit_timer is None:
            self._commit_timer = self._loop.call_later(wait, self._commit)

    def _commit(self) -> None:
        self._commit_timer = None
        root = self._declared.root_id
        if root is not None:
            text = f"{root[0]}:{root[1]}"
            if self.journal.setting("root") != text:
                self.journal.set_setting("root", text)
        if self.journal.commit() is not None:
            self._commit_soon(_COMMIT_AGAIN)
