"""Which runs of a Job are called for now: by its revision, or by its schedule.

Kubernetes: the CronJob controller. Of several moments that were missed only the latest is made up
for, and none that is later than ``startingDeadlineSeconds``.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff import runs, schedule
from reconciler.diff.runs import Told, terms_of
from reconciler.model.desired import DesiredApp
from reconciler.model.event import Event
from reconciler.model.job import ConcurrencyPolicy
from reconciler.model.memory import AppMemory
from reconciler.model.walltime import WallTime

_CORRECTED = 3 * 3600.0
"""Seconds. A clock that is set back by less repeats an hour, in which nothing runs twice; one that
is set back by more was wrong before (cron(8) draws the line there, too)."""


def call(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> Told:
    """The memory with the runs that are called for, and what is to be told of that."""
    if terms_of(app).schedule is None:
        return _once(app, memory, now, wall), ()
    return _by_schedule(app, memory, wall.at(now), wall.zone)


def next_at(app: DesiredApp, now: float, wall: WallTime) -> float | None:
    """The next moment of its schedule, in wall seconds; None where there is none."""
    terms = terms_of(app)
    if terms.schedule is None or app.spec.suspend:
        return None
    return schedule.following(terms.schedule, terms.time_zone or wall.zone, wall.at(now))


def _once(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> AppMemory:
    revision = memory.revisions[-1]
    if app.spec.suspend or memory.called_revision == revision.number:
        return memory
    called = runs.begin(memory, f"revision {revision.number}", wall.at(now))
    return replace(called, called_revision=revision.number, scheduled="", scheduled_until=None)


def _by_schedule(app: DesiredApp, memory: AppMemory, wall_now: float, zone: str) -> Told:
    terms = terms_of(app)
    assert terms.schedule is not None
    zone = terms.time_zone or zone
    memory = _note_schedule(memory, f"{terms.schedule} {zone}", wall_now)
    since = memory.scheduled_until
    assert since is not None
    at = schedule.latest(terms.schedule, zone, since, wall_now)
    if at is None or app.spec.suspend:
        return memory, ()
    late, limit = wall_now - at, terms.starting_deadline_seconds
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


def _note_schedule(memory: AppMemory, key: str, wall_now: float) -> AppMemory:
    """A schedule that is new, or edited, counts from now on: it has missed nothing."""
    since = memory.scheduled_until
    if memory.scheduled == key and since is not None and since - wall_now < _CORRECTED:
        return memory
    return replace(memory, scheduled=key, scheduled_until=wall_now)


def _hold_back(app: str, memory: AppMemory, at: float) -> Told:
    """It is still to be seen to when the run before has ended, if it is not too late then."""
    if memory.held_back == at:
        return memory, ()
    told = "it is time for a run, but the one before has not ended (concurrencyPolicy: Forbid)"
    return replace(memory, held_back=at), (Event(app, "JobAlreadyActive", told),)
