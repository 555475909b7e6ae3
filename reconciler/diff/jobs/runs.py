"""The runs of a Job: how each is begun, seen, and decided (Kubernetes: the Job controller).

A run is at-least-once: how a process ended that ended while no controller ran is unknown, which
counts as a failure and is tried again. ``backoffLimit: 0`` makes that once at most. Only a build,
which does no harm however often it is made, is made again whatever its limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.diff import admission
from reconciler.diff.core.backoff import delay
from reconciler.diff.core.history import mark
from reconciler.diff.core.situation import JobSituation
from reconciler.diff.rollout import amnesia
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.spec.job import JobSpec, JobTerms
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredJob
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Outcome, Recall, Run
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.state.plan import Start
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Obstacle, ObstacleReason, Standing
from reconciler.model.state.walltime import WallTime
from reconciler.model.words.sentence import Sentence

Update = tuple[AppMemory, tuple[Event, ...]]


def active(memory: AppMemory) -> tuple[Run, ...]:
    """The runs that are not decided yet, oldest first."""
    return tuple(run for run in memory.runs if run.outcome is Outcome.ACTIVE)


def newest(memory: AppMemory) -> Run | None:
    """The last run of the revision that the manifest declares; None where it has none."""
    if not memory.revisions:
        return None
    hash = memory.revisions[-1].hash
    return next((run for run in reversed(memory.runs) if same_revision(run.hash, hash)), None)


def begin(memory: AppMemory, why: str, wall_now: float, due_at: float | None = None) -> AppMemory:
    """The memory with one more run, of the revision that the manifest declares."""
    number = max((run.number for run in memory.runs), default=memory.last_run) + 1
    run = Run(number, memory.revisions[-1].hash, why, wall_now, due_at)
    return replace(memory, runs=(*memory.runs, run), last_run=number)


def tries(process: Process, run: Run) -> bool:
    """Whether a process is a try of this run; an App that became a Job has numbers, too."""
    return process.tag.instance == run.number and same_revision(process.tag.hash, run.hash)


def observe(at: JobSituation) -> JobSituation:
    """Look at the processes: what tries, what was lost, what is too late."""
    app, wall, scheduled = at.app, at.moment.wall, at.app.spec.schedule is not None
    memory = _adopt(at.processes, at.memory, wall)
    events: list[Event] = []
    for run in active(memory):
        of_run = [process for process in at.processes if tries(process, run)]
        seen = _see(run, of_run, app, at.now, wall)
        declared = scheduled or same_revision(run.hash, app.hash)
        declared = declared or memory.recall is Recall.UNREAD  # perhaps it was superseded before
        if seen.outcome is Outcome.ACTIVE and not declared:
            seen = failed(seen, EventReason.SUPERSEDED, wall.at(at.now))
        if seen != run:
            memory = _put(memory, seen)
            events += _events_of(app.name, run, seen)
    return at.after(memory, *events)


def after_exit(
    memory: AppMemory,
    process: Process,
    exit: Exit,
    spec: JobSpec,
    *,
    now: float,
    wall: WallTime,
) -> Update:
    """The memory after a process of a run ended."""
    run = next((run for run in active(memory) if tries(process, run)), None)
    if run is None:
        return memory, ()
    if process.state is RunState.STOPPING:
        return _put(memory, _put_off(run)), ()
    ended = replace(
        _begun(run, process.started_at, wall), exit=exit, fault="", remedy="", trying=False
    )
    uptime = max(0.0, now - process.started_at)
    ended = replace(ended, tried_at=wall.at(now), uptime=uptime)
    if spec.is_success(exit):
        ended = replace(ended, outcome=Outcome.SUCCEEDED, ended_at=wall.at(now), reason="")
    else:
        ended = _failed_try(ended, spec, now, wall)
    return _put(memory, ended), tuple(_events_of(process.tag.app, run, ended))


def started(memory: AppMemory, start: Start) -> AppMemory:
    """The memory before a process of a run is started: written down first, so that nothing which
    ends unseen is taken for something that never ran."""
    run = next((run for run in active(memory) if run.number == start.instance), None)
    return memory if run is None else _put(memory, replace(run, trying=True, retry_at=None))


def not_started(memory: AppMemory, start: Start) -> AppMemory:
    """The memory in which a process of a run was not started after all."""
    run = next((run for run in active(memory) if run.number == start.instance), None)
    return memory if run is None else _put(memory, replace(run, trying=False))


def after_failed_start(
    memory: AppMemory,
    start: Start,
    fault: Sentence,
    spec: JobSpec,
    *,
    now: float,
    wall: WallTime,
) -> AppMemory:
    """The memory after a run's program could not be started, and the Job is to blame."""
    run = next((run for run in active(memory) if run.number == start.instance), None)
    if run is None:
        return memory
    tried = replace(run, fault=str(fault), remedy=fault.remedy, exit=None, uptime=None)
    tried = replace(tried, trying=False, tried_at=wall.at(now))
    return _put(memory, _failed_try(tried, spec, now, wall))


def failed(run: Run, reason: str, wall_now: float, fault: str = "") -> Run:
    """The run, given up."""
    ended = replace(run, outcome=Outcome.FAILED, reason=reason, ended_at=wall_now, retry_at=None)
    return replace(ended, fault=fault, remedy="") if fault else ended


def replaced(app: str, memory: AppMemory, wall_now: float) -> Update:
    """The memory in which all active runs have made way for another."""
    events: list[Event] = []
    for run in active(memory):
        gone = failed(run, EventReason.REPLACED, wall_now)
        memory = _put(memory, gone)
        events += _events_of(app, run, gone)
    return memory, tuple(events)


def trim(memory: AppMemory, terms: JobTerms) -> AppMemory:
    """The memory less the runs that are too many; the newest of all tells how the Job is."""
    kept = {run.number for run in memory.runs[-1:]}
    for outcome, limit in (
        (Outcome.SUCCEEDED, terms.successful_jobs_history_limit),
        (Outcome.FAILED, terms.failed_jobs_history_limit),
    ):
        decided = [run.number for run in memory.runs if run.outcome is outcome]
        kept.update(decided[-limit:] if limit else ())
    runs = tuple(r for r in memory.runs if r.outcome is Outcome.ACTIVE or r.number in kept)
    return memory if runs == memory.runs else replace(memory, runs=runs)


def note_good(memory: AppMemory) -> AppMemory:
    """The memory in which a revision that succeeded once is a good one."""
    run = newest(memory)
    revision = memory.revisions[-1]
    if run is None or run.outcome is not Outcome.SUCCEEDED or revision.good:
        return memory
    return mark(memory, replace(revision, good=True))


def presumed(memory: AppMemory, wall_now: float) -> AppMemory:
    """The memory of a builder that was lost, while what it has built runs: it has succeeded."""
    memory = begin(memory, "inferred from running processes", wall_now)
    run = replace(memory.runs[-1], outcome=Outcome.SUCCEEDED, ended_at=wall_now)
    return replace(_put(memory, run), called_revision=memory.revisions[-1].number)


def standing_of(app: DesiredJob, memory: AppMemory) -> Standing:
    """What those that depend on a Job see: it is ready when its newest run has succeeded."""
    seen = _standing_of(app, memory)
    return replace(seen, by_clock=True) if app.spec.schedule is not None else seen


def _standing_of(app: DesiredJob, memory: AppMemory) -> Standing:
    if not memory.revisions or not same_revision(memory.revisions[-1].hash, app.hash):
        return Standing()
    run = newest(memory)
    if app.spec.schedule is None and memory.called_revision != memory.revisions[-1].number:
        run = None  # an earlier revision of the same content, before others
    if run is None:
        suspended = Obstacle(ObstacleReason.SUSPENDED, "is suspended")
        waits = amnesia.obstacle(app.name, memory) or admission.obstacle(app, memory)
        return Standing(obstacle=suspended if app.spec.suspend else waits)
    started = frozenset({DependencyCondition.STARTED} if run.trying else ())
    if run.outcome is Outcome.FAILED:
        message = f"has failed ({run.message or run.reason})"
        return Standing(obstacle=Obstacle(ObstacleReason.FAILED, message))
    if run.outcome is Outcome.SUCCEEDED:
        return Standing(frozenset(DependencyCondition))
    return Standing(started)


def _see(
    run: Run,
    processes: Sequence[Process],
    app: DesiredJob,
    now: float,
    wall: WallTime,
) -> Run:
    """The run after a look at its processes."""
    alive = [process for process in processes if process.state is not RunState.STOPPING]
    if processes and not alive:
        return _put_off(run)
    if alive:
        started = min(process.started_at for process in alive)
        run = replace(_begun(run, started, wall), trying=True, retry_at=None)
    elif run.trying and not processes:
        if built_by(app.name) is not None:
            return _put_off(run)
        lost = replace(run, trying=False, exit=Exit(), fault="", remedy="")
        run = _failed_try(lost, app.spec, now, wall)
    if run.outcome is not Outcome.ACTIVE:
        return run
    late_at = deadline_of(run, app.spec)
    if late_at is not None and late_at <= now:
        field = "activeDeadlineSeconds" if built_by(app.name) is None else "timeoutSeconds"
        fault = f"not done within {app.spec.active_deadline_seconds:g} s ({field})"
        return failed(run, EventReason.DEADLINE_EXCEEDED, wall.at(now), fault)
    outgrown = next((process.outgrown for process in alive if process.outgrown), "")
    if outgrown:
        return failed(run, EventReason.MEMORY_LIMIT_EXCEEDED, wall.at(now), f"it {outgrown}")
    return run


def _begun(run: Run, started_at: float, wall: WallTime) -> Run:
    """The run, of which a try started then."""
    began_boot = started_at if run.began_boot is None else run.began_boot
    began_at = wall.at(started_at) if run.began_at is None else run.began_at
    return replace(run, began_at=began_at, began_boot=began_boot)


def _put_off(run: Run) -> Run:
    """The run, ended and not decided, as when it is suspended: it is to begin again, with all the
    time that it has (Kubernetes: a Job that is resumed has a new startTime)."""
    return replace(run, trying=False, began_boot=None)


def deadline_of(run: Run, terms: JobTerms) -> float | None:
    """Boot seconds by which a run that has begun must have ended."""
    if run.began_boot is None or terms.active_deadline_seconds is None:
        return None
    return run.began_boot + terms.active_deadline_seconds


def _failed_try(run: Run, spec: JobSpec, now: float, wall: WallTime) -> Run:
    """One try more has failed: the next one after a wait, or none."""
    run = replace(run, failures=run.failures + 1)
    if run.failures > spec.backoff_limit:
        return failed(run, EventReason.BACKOFF_LIMIT_EXCEEDED, wall.at(now))
    wait = delay(spec.backoff, run.failures + 1, f"{run.hash}{run.number}{run.failures}")
    return replace(run, retry_at=now + wait)


def _adopt(processes: Sequence[Process], memory: AppMemory, wall: WallTime) -> AppMemory:
    """Runs that the journal does not have, found by their processes."""
    known = {run.number for run in memory.runs}
    apps = [r.hash for r in memory.revisions if r.spec.get("kind") != "Job"]
    for process in processes:
        number = process.tag.instance
        if process.state is RunState.STOPPING or number in known or number <= memory.last_run:
            continue
        if any(same_revision(process.tag.hash, hash) for hash in apps):
            continue  # it was an App
        known.add(number)
        at = wall.at(process.started_at)
        run = Run(number, process.tag.hash, "found running", at)
        runs = sorted((*memory.runs, run), key=lambda run: run.number)
        memory = replace(memory, runs=tuple(runs), last_run=number)
        if same_revision(process.tag.hash, memory.revisions[-1].hash):
            memory = replace(memory, called_revision=memory.revisions[-1].number)
    return memory


def _events_of(app: str, before: Run, after: Run) -> Iterator[Event]:
    """The events of a run, with Kubernetes' reasons."""
    name = f"run {after.number}"
    if after.outcome is before.outcome:
        if after.failures > before.failures and after.retry_at is not None:
            message = f"{name} failed ({after.message}), try {after.failures}; it is tried again"
            yield Event(app, EventReason.BACK_OFF, message, "Warning", after.number)
    elif after.outcome is Outcome.SUCCEEDED:
        yield Event(app, EventReason.COMPLETED, f"{name} succeeded", instance=after.number)
    else:
        message = f"{name} has failed: {after.message or after.reason}"
        yield Event(app, after.reason, message, "Warning", after.number)


def _put(memory: AppMemory, run: Run) -> AppMemory:
    """The memory in which ``run`` stands for the one of its number."""
    runs = tuple(run if known.number == run.number else known for known in memory.runs)
    return replace(memory, runs=runs)
