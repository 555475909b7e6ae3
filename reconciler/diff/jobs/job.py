"""The plan of one Job: its runs, begun, tried again, and ended when they must be.

A run is an instance: its number is that of the processes that try it, one at a time. Runs of a
Job do not overlap but where ``concurrencyPolicy`` allows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.diff import admission
from reconciler.diff.core import dependencies, history
from reconciler.diff.jobs import due, job_status, runs
from reconciler.diff.jobs.runs import terms_of
from reconciler.diff.rollout import amnesia, inplace
from reconciler.diff.rollout.restarting import LOOK
from reconciler.model.spec.job import ConcurrencyPolicy
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, JournalState, Recall
from reconciler.model.state.observed import Observed, Process, RunState
from reconciler.model.state.plan import Action, AppPlan, End, Start
from reconciler.model.state.standing import Standing
from reconciler.model.state.walltime import WallTime


def plan_job(
    app: DesiredApp,
    processes: Sequence[Process],
    before: AppMemory,
    now: float,
    *,
    wall: WallTime,
    standings: Mapping[str, Standing],
    loads: admission.Verdicts,
    observed: Observed,
    journal: JournalState,
) -> AppPlan:
    """The plan of a Job that is declared."""
    processes = sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce))
    memory, let_in = admission.settle(app, processes, before, loads)
    memory = amnesia.settle_job(app, before, history.record(memory, app))
    memory, seen = runs.observe(app, processes, memory, now, wall)
    called: tuple[Event, ...] = ()
    held = admission.withheld(app, memory)
    if memory.recall is not Recall.UNREAD and held is None:
        memory, called = due.call(app, memory, now, wall)
    memory = runs.trim(runs.note_good(memory), terms_of(app))
    inherited = observed.inherited
    memory = inplace.remember(app.spec, processes, memory, inherited)
    adjusted = tuple(inplace.adjustments(app.spec, processes, memory, inherited))
    waiting = dependencies.unmet(app.spec, standings)
    ends = tuple(_ends(app, processes, memory))
    withheld = amnesia.withheld(app, memory, journal) or (
        admission.sentence(app, held) if held is not None else ""
    )
    starts: tuple[Start, ...] = ()
    if not withheld:
        starts = tuple(_starts(app, processes, memory, now, waiting=waiting is not None))
    shown = job_status.Shown(app, processes, memory, now, wall, waiting, withheld)
    actions: tuple[Action, ...] = (*adjusted, *ends, *starts)
    change = job_status.change_of(shown, before, starts=len(starts), ends=len(ends))
    return AppPlan(
        app.name,
        app,
        actions,
        admission.changed(change, app, memory),
        admission.shown(job_status.status_of(shown), app, memory),
        memory,
        (*let_in, *seen, *called),
        _look_again_at(app, memory, now, wall),
        runs.standing_of(app, memory),
    )


def _ends(app: DesiredApp, processes: Sequence[Process], memory: AppMemory) -> Iterator[End]:
    """Processes of runs that are decided; while it is suspended, all of one without a schedule."""
    undecided = runs.active(memory)
    suspended = app.spec.suspend and terms_of(app).schedule is None
    reasons = {run.number: run.told or run.reason for run in memory.runs}
    for process in processes:
        if process.state is RunState.STOPPING:
            continue
        if not any(runs.tries(process, run) for run in undecided):
            yield End(process, reasons.get(process.tag.instance) or "its run has ended")
        elif suspended:
            yield End(process, "suspended")


def _starts(
    app: DesiredApp,
    processes: Sequence[Process],
    memory: AppMemory,
    now: float,
    *,
    waiting: bool,
) -> Iterator[Start]:
    terms = terms_of(app)
    busy = {process.tag.instance for process in processes}
    alone = terms.schedule is None or terms.concurrency_policy is not ConcurrencyPolicy.ALLOW
    for run in runs.active(memory):
        first = run.began_at is None and not run.failures
        if run.number in busy or (run.retry_at is not None and run.retry_at > now):
            continue
        if (app.spec.suspend and terms.schedule is None) or (waiting and first):
            continue
        if alone and busy:
            return
        busy.add(run.number)
        told = f"{run.why}, try {run.failures + 1}" if run.failures else run.why
        yield Start(run.number, run.hash, told)


def _look_again_at(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> float | None:
    """The next moment at which the passing of time alone may change this plan."""
    moments: list[float] = []
    for run in runs.active(memory):
        late_at = runs.deadline_of(run, terms_of(app))
        moments += [at for at in (run.retry_at, late_at) if at is not None]
    if terms_of(app).schedule is not None and not app.spec.suspend:
        next_at = due.next_at(app, memory, now, wall)
        moments.append(now + LOOK)
        moments += [wall.boot(next_at)] if next_at is not None else []
    return min((moment for moment in moments if moment > now), default=None)
