"""How processes ended: told in the timeline, and taken into account.

A stop that was asked for means nothing. A crash climbs the ladder of its app; the end of a Job's
process decides a run, or a try of one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reconciler.diff.core.backoff import after_exit, holds
from reconciler.diff.core.history import accounts_to
from reconciler.diff.jobs import runs
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.postmortem import PostMortem
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredJob
from reconciler.model.state.event import Event, Severity
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.state.reason import EventReason
from reconciler.model.state.tally import Tally
from reconciler.state.history import History
from reconciler.system.clock import boot_now, wall_time


class Ends:
    """Accounts for each end. ``spec_of``: an app's spec as declared now, else as last applied."""

    def __init__(
        self,
        history: History,
        declared: Declared,
        spec_of: Callable[[str], ProgramSpec],
        post_mortem: PostMortem,
        tally: Tally,
    ) -> None:
        self._post_mortem = post_mortem
        self._history = history
        self._tally = tally
        self._declared = declared
        self._spec_of = spec_of

    def account(self, process: Process, exit: Exit) -> None:
        """Take the end of a process into account."""
        self._tally.of(process.tag.app).exited(end_reason(process, exit))
        if self._is_job(process.tag.app):
            self._end_of_try(process, exit)
        elif process.state is RunState.STOPPING and not process.failed:
            spec = self._spec_of(process.tag.app)
            self._ended(process, exit, spec, EventReason.STOPPED, expected=True)
        else:
            self._crash(process, exit)

    def _crash(self, process: Process, exit: Exit) -> None:
        """Account for a crash: an exit that was not requested, or that followed a failed probe."""
        name, now = process.tag.app, boot_now()
        memory = self._history.memory(name)
        aim = accounts_to(memory, process)
        later, spec = memory, self._spec_of(name)
        if aim is not None and isinstance(spec, AppSpec):
            later = after_exit(memory, process, exit, spec, target=aim, now=now)
        warning = not spec.is_success(exit)
        self._ended(process, exit, spec, exit.reason or EventReason.EXITED, warning=warning)
        if later is memory or aim is None:
            return
        self._history.remember(name, later)
        ended = holds(later, process.tag.instance, aim)
        if ended is not None and ended.failures > 1 and ended.retry_at is not None:
            wait = max(0.0, ended.retry_at - now)
            message = f"crashed {ended.failures} times in a row; next try in {wait:.1f} s"
            tag = process.tag
            backing_off = Event(tag.app, EventReason.BACK_OFF, message, "Warning", tag.instance)
            self._history.owe(partial(self._history.record, backing_off))

    def _end_of_try(self, process: Process, exit: Exit) -> None:
        """A process of a Job's run: the run has succeeded, is tried again, or has failed."""
        name = process.tag.app
        memory, spec = self._history.memory(name), self._spec_of(name)
        if not isinstance(spec, JobSpec):  # it is declared no more, or as an App
            spec = JobSpec(command=spec.command)
        self._ended(process, exit, spec, exit.reason or EventReason.EXITED)
        now, wall = boot_now(), wall_time()
        later, events = runs.after_exit(memory, process, exit, spec, now=now, wall=wall)
        if later is not memory:
            self._history.remember(name, later)
        for event in events:
            self._history.owe(partial(self._history.record, event))
        built = built_by(name)
        if built is not None:
            self._declared.look_at(built)

    def _is_job(self, name: str) -> bool:
        app = self._declared.apps().get(name)
        if app is not None:
            return isinstance(app, DesiredJob)
        return bool(self._history.memory(name).runs)

    def _ended(
        self,
        process: Process,
        exit: Exit,
        spec: ProgramSpec,
        reason: str,
        *,
        warning: bool = False,
        expected: bool = False,
    ) -> None:
        """Tell of the end, once it has been acted on."""
        kind: Severity = "Warning" if warning else "Normal"
        tell = partial(self._tell, process, exit, spec, boot_now())
        self._history.owe(partial(tell, reason=reason, kind=kind, expected=expected))

    def _tell(
        self,
        process: Process,
        exit: Exit,
        spec: ProgramSpec,
        at: float,
        *,
        reason: str,
        kind: Severity,
        expected: bool,
    ) -> None:
        tag, message = process.tag, f"pid {process.id.pid} ended: {exit}"
        end = self._post_mortem.details(process, exit, spec, at, expected=expected)
        event = Event(tag.app, reason, message, kind, tag.instance, end)
        recorded = self._history.admit(event)
        if recorded is not None:
            self._post_mortem.look(recorded, process, spec)


def end_reason(process: Process, exit: Exit) -> str:
    """Why a process ended, in one word of few: ``Stopped`` where recon ended it as planned."""
    if process.state is RunState.STOPPING:
        return "Unhealthy" if process.failed else "Outgrown" if process.outgrown else "Stopped"
    if exit.reason:
        return exit.reason
    if exit.signal is not None:
        return "Signal"
    if exit.code is None:
        return "Unknown"
    return "Error" if exit.code else "Completed"
