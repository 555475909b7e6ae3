"""The plan of one Job: its runs, begun, tried again, and ended when they must be.

A run is an instance: its number is that of the processes that try it, one at a time. Runs of a
Job do not overlap but where ``concurrencyPolicy`` allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.diff import admission
from reconciler.diff.core import dependencies, history
from reconciler.diff.core.situation import JobSituation
from reconciler.diff.jobs import job_status, runs, triggers
from reconciler.diff.rollout import amnesia, limit_adjustment
from reconciler.diff.rollout.scheduled_restart import LOOK
from reconciler.model.spec.job import ConcurrencyPolicy
from reconciler.model.state.memory import Recall
from reconciler.model.state.observed import RunState
from reconciler.model.state.plan import Action, AppPlan, End, Start


def plan_job(at: JobSituation) -> AppPlan:
    """The plan of a Job that is declared."""
    app = at.app
    at = admission.settle(at)
    at = amnesia.settle_job(at.after(history.record(at.memory, app, at.moment.documents)))
    at = runs.observe(at)
    held = admission.withheld(app, at.memory)
    if at.memory.recall is not Recall.UNREAD and held is None:
        at = triggers.call(at)
    at = at.after(runs.trim(runs.note_good(at.memory), app.spec))
    at = limit_adjustment.remember(at)
    waiting = dependencies.unmet(app.spec.depends_on, at.moment.standings)
    at = replace(at, waiting=waiting) if waiting is not None else at
    withheld = amnesia.withheld(at) or (admission.sentence(app, held) if held is not None else "")
    adjusted, ends = tuple(limit_adjustment.adjustments(at)), tuple(_ends(at))
    starts = tuple(_starts(at)) if not withheld else ()
    actions: tuple[Action, ...] = (*adjusted, *ends, *starts)
    shown = job_status.look(at, withheld)
    change = job_status.change_of(shown, starts=len(starts), ends=len(ends))
    return AppPlan(
        app.name,
        app,
        actions,
        at.memory,
        at.events,
        _look_again_at(at, shown.next_at),
        runs.standing_of(app, at.memory),
        change=admission.changed(change, app, at.memory),
        status=admission.shown(job_status.status_of(shown), app, at.memory),
    )


def _ends(at: JobSituation) -> Iterator[End]:
    """Processes of runs that are decided; while it is suspended, all of one without a schedule."""
    undecided = runs.active(at.memory)
    suspended = at.app.spec.suspend and at.app.spec.schedule is None
    reasons = {run.number: run.message or run.reason for run in at.memory.runs}
    for process in at.processes:
        if process.state is RunState.STOPPING:
            continue
        if not any(runs.tries(process, run) for run in undecided):
            yield End(process, reasons.get(process.tag.instance) or "its run has ended")
        elif suspended:
            yield End(process, "suspended")


def _starts(at: JobSituation) -> Iterator[Start]:
    spec = at.app.spec
    suspended = spec.suspend and spec.schedule is None
    busy = {process.tag.instance for process in at.processes}
    alone = spec.schedule is None or spec.concurrency_policy is not ConcurrencyPolicy.ALLOW
    for run in runs.active(at.memory):
        first = run.began_at is None and not run.failures
        if run.number in busy or (run.retry_at is not None and run.retry_at > at.now):
            continue
        if suspended or (at.waiting is not None and first):
            continue
        if alone and busy:
            return
        busy.add(run.number)
        reason = f"{run.why}, try {run.failures + 1}" if run.failures else run.why
        yield Start(run.number, run.hash, reason)


def _look_again_at(at: JobSituation, next_at: float | None) -> float | None:
    """The next moment at which the passing of time alone may change this plan."""
    spec, moments = at.app.spec, list[float]()
    for run in runs.active(at.memory):
        late_at = runs.deadline_of(run, spec)
        moments += [moment for moment in (run.retry_at, late_at) if moment is not None]
    if spec.schedule is not None and not spec.suspend:
        moments.append(at.now + LOOK)
        moments += [at.moment.wall.boot(next_at)] if next_at is not None else []
    return min((moment for moment in moments if moment > at.now), default=None)
