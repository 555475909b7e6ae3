"""Which runs of a Job are called for now: by its revision, or by its schedule.

Kubernetes: the CronJob controller. Of several moments that were missed only the latest is made up
for, and none that is later than ``startingDeadlineSeconds``.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core import schedule
from reconciler.diff.core.situation import JobSituation
from reconciler.diff.jobs import runs
from reconciler.model.spec.job import ConcurrencyPolicy
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason


def call(at: JobSituation) -> JobSituation:
    """Call for the runs that it is time for."""
    spec, wall = at.app.spec, at.moment.wall
    zone = spec.time_zone or wall.zone
    at = at.after(schedule.follow(at.memory, spec.schedule, zone, at.now, wall))
    if spec.schedule is None:
        return _once(at)
    moment = schedule.missed(at.memory, spec.schedule, zone, wall.at(at.now))
    return at if moment is None or spec.suspend else _at(at, moment)


def next_at(at: JobSituation) -> float | None:
    """The next moment of its schedule, in wall seconds; None where there is none."""
    spec, wall = at.app.spec, at.moment.wall
    if spec.schedule is None or spec.suspend:
        return None
    zone = spec.time_zone or wall.zone
    return schedule.coming(at.memory, spec.schedule, zone, wall.at(at.now))


def _once(at: JobSituation) -> JobSituation:
    number = at.revision.number
    if at.app.spec.suspend or at.memory.called_revision == number:
        return at
    called = runs.begin(at.memory, f"revision {number}", at.moment.wall.at(at.now))
    return at.after(replace(called, called_revision=number))


def _at(at: JobSituation, moment: float) -> JobSituation:
    """What follows of it that this moment of its schedule has come."""
    app, memory, spec = at.app, at.memory, at.app.spec
    passed = replace(memory, scheduled_until=moment)
    frequent = schedule.is_frequent(spec.schedule or "")
    if not frequent and any(run.due_at == moment for run in memory.runs):
        return at.after(passed)  # the clock was wrong for a while
    limit, late = spec.starting_deadline_seconds, at.now - at.moment.wall.came(moment)
    if limit is not None and late > limit:
        message = f"a run is skipped: {late:.0f} s late, startingDeadlineSeconds is {limit:g}"
        return at.after(passed, Event(app.name, EventReason.MISS_SCHEDULE, message, "Warning"))
    wall_now, events = at.moment.wall.at(at.now), tuple[Event, ...]()
    if runs.active(memory):
        if spec.concurrency_policy is ConcurrencyPolicy.FORBID:
            return _hold_back(at, moment)
        if spec.concurrency_policy is ConcurrencyPolicy.REPLACE:
            passed, events = runs.replaced(app.name, passed, wall_now)
    return at.after(runs.begin(passed, "schedule", wall_now, moment), *events)


def _hold_back(at: JobSituation, moment: float) -> JobSituation:
    """Look again when the run before has ended: the moment counts if it is not too late then."""
    if at.memory.held_back == moment:
        return at
    message = "scheduled run delayed: the previous run has not ended (concurrencyPolicy: Forbid)"
    event = Event(at.app.name, EventReason.JOB_ALREADY_ACTIVE, message)
    return at.after(replace(at.memory, held_back=moment), event)
