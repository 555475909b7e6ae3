"""How processes ended: told in the timeline, and taken into account.

A stop that was asked for means nothing. A crash climbs the ladder of its app; the end of a Job's
process decides a run, or a try of one.
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.diff.core.backoff import after_exit, holds
from reconciler.diff.core.history import accounts_to
from reconciler.diff.jobs import runs
from reconciler.loop.declared import Declared
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredJob
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.state.history import History
from reconciler.system.clock import boot_now, wall_time


class Ends:
    """Accounts for each end. ``spec_of``: an app's spec as declared now, else as last applied."""

    def __init__(
        self, history: History, declared: Declared, spec_of: Callable[[str], ProgramSpec]
    ) -> None:
        self._history = history
        self._declared = declared
        self._spec_of = spec_of

    def account(self, process: Process, exit: Exit) -> None:
        """Take the end of a process into account."""
        if self._is_job(process.tag.app):
            self._end_of_try(process, exit)
        elif process.state is RunState.STOPPING and not process.failed:
            self._tell(process, "Stopped", f"pid {process.id.pid} ended: {exit}")
        else:
            self._crash(process, exit)

    def _crash(self, process: Process, exit: Exit) -> None:
        """An end that nobody asked for, or that a failed probe asked for."""
        name, now = process.tag.app, boot_now()
        memory = self._history.memory(name)
        aim = accounts_to(memory, process)
        later, spec = memory, self._spec_of(name)
        if aim is not None and isinstance(spec, AppSpec):
            later = after_exit(memory, process, exit, spec, target=aim, now=now)
        told = f"pid {process.id.pid} ended: {exit}"
        self._tell(process, exit.reason or "Exited", told, warning=not spec.is_success(exit))
        if later is memory or aim is None:
            return
        self._history.remember(name, later)
        ended = holds(later, process.tag.instance, aim)
        if ended is not None and ended.failures > 1 and ended.retry_at is not None:
            wait = max(0.0, ended.retry_at - now)
            told = f"crashed {ended.failures} times in a row; next try in {wait:.1f} s"
            self._tell(process, "BackOff", told, warning=True)

    def _end_of_try(self, process: Process, exit: Exit) -> None:
        """A process of a Job's run: the run has succeeded, is tried again, or has failed."""
        name = process.tag.app
        memory, spec = self._history.memory(name), self._spec_of(name)
        if not isinstance(spec, JobSpec):  # it is declared no more, or as an App
            spec = JobSpec(command=spec.command)
        told = f"pid {process.id.pid} ended: {exit}"
        self._tell(process, exit.reason or "Exited", told)
        now, wall = boot_now(), wall_time()
        later, events = runs.after_exit(memory, process, exit, spec, now=now, wall=wall)
        if later is not memory:
            self._history.remember(name, later)
        for event in events:
            self._history.record(event)
        built = built_by(name)
        if built is not None:
            self._declared.look_at(built)

    def _is_job(self, name: str) -> bool:
        app = self._declared.apps().get(name)
        if app is not None:
            return isinstance(app, DesiredJob)
        return bool(self._history.memory(name).runs)

    def _tell(self, process: Process, reason: str, message: str, *, warning: bool = False) -> None:
        tag = process.tag
        self._history.record(
            Event(tag.app, reason, message, "Warning" if warning else "Normal", tag.instance)
        )
