"""Which runs of a Job are called for now: by its revision, or by its schedule.

Kubernetes: the CronJob controller. Of several moments that were missed only the latest is made up
for, and none that is later than ``startingDeadlineSeconds``.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core import schedule
from reconciler.diff.jobs import runs
from reconciler.diff.jobs.runs import Told, terms_of
from reconciler.model.spec.job import ConcurrencyPolicy
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.walltime import WallTime


def call(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> Told:
    """The memory with the runs that are called for, and what is to be told of that."""
    terms, wall_now = terms_of(app), wall.at(now)
    zone = terms.time_zone or wall.zone
    memory = schedule.follow(memory, terms.schedule, zone, now, wall)
    if terms.schedule is None:
        return _once(app, memory, wall_now), ()
    at = schedule.missed(memory, terms.schedule, zone, wall_now)
    if at is None or app.spec.suspend:
        return memory, ()
    return _at(at, app, memory, wall_now, late=now - wall.came(at))


def next_at(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> float | None:
    """The next moment of its schedule, in wall seconds; None where there is none."""
    terms = terms_of(app)
    if terms.schedule is None or app.spec.suspend:
        return None
    return schedule.coming(memory, terms.schedule, terms.time_zone or wall.zone, wall.at(now))


def _once(app: DesiredApp, memory: AppMemory, wall_now: float) -> AppMemory:
    revision = memory.revisions[-1]
    if app.spec.suspend or memory.called_revision == revision.number:
        return memory
    called = runs.begin(memory, f"revision {revision.number}", wall_now)
    return replace(called, called_revision=revision.number)


def _at(at: float, app: DesiredApp, memory: AppMemory, wall_now: float, *, late: float) -> Told:
    """The moment ``at`` of its schedule has come, ``late`` seconds ago."""
    terms = terms_of(app)
    frequent = schedule.is_frequent(terms.schedule or "")
    if not frequent and any(run.due_at == at for run in memory.runs):
        return replace(memory, scheduled_until=at), ()  # the clock was wrong for a while
    limit = terms.starting_deadline_seconds
    if limit is not None and late > limit:
        told = f"a run is left out: {late:.0f} s late, startingDeadlineSeconds is {limit:g}"
        event = Event(app.name, "MissSchedule", told, "Warning")
        return replace(memory, scheduled_until=at), (event,)
    told_of: tuple[Event, ...] = ()
    if runs.active(memory):
        if terms.concurrency_policy is ConcurrencyPolicy.FORBID:
            return _hold_back(app.name, memory, at)
        if terms.concurrency_policy is ConcurrencyPolicy.REPLACE:
            memory, told_of = runs.replaced(app.name, memory, wall_now)
    return replace(runs.begin(memory, "schedule", wall_now, at), scheduled_until=at), told_of


def _hold_back(app: str, memory: AppMemory, at: float) -> Told:
    """It is still to be seen to when the run before has ended, if it is not too late then."""
    if memory.held_back == at:
        return memory, ()
    told = "it is time for a run, but the one before has not ended (concurrencyPolicy: Forbid)"
    return replace(memory, held_back=at), (Event(app, "JobAlreadyActive", told),)
