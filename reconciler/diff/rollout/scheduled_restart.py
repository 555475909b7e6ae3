"""`restartSchedule`: a rolling restart by the clock, as PM2's ``cron_restart``.

What has ended for good (OnFailure, Never) is started again, too; what is suspended is not.
Unlike a Job's run, one that was missed is not made up for: what was down has been restarted.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core import schedule
from reconciler.diff.core.situation import AppSituation
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason

LOOK = 60.0
"""Seconds after which a schedule is looked at again at the latest: the clock may be set."""
_LATE = 5 * LOOK
"""Seconds after which a restart counts as missed."""


def call(at: AppSituation) -> AppSituation:
    """Request a restart where it is time for one."""
    spec, wall = at.app.spec, at.moment.wall
    cron, zone = spec.restart_schedule, spec.time_zone or wall.zone
    memory = schedule.follow(at.memory, cron, zone, at.now, wall)
    moment = schedule.missed(memory, cron, zone, wall.at(at.now)) if cron is not None else None
    if moment is None:
        return at.after(memory)
    memory = replace(memory, scheduled_until=moment)
    if at.now - wall.came(moment) > _LATE or spec.suspend:
        return at.after(memory)
    # What has ended, or waits to be tried again, starts at the moment too; as `recon restart`.
    requested = replace(
        memory, restart_requested_at=at.now, progressed_at=None, progress=0, ended={}
    )
    event = Event(at.app.name, EventReason.RESTART_REQUESTED, "it is time (restartSchedule)")
    return at.after(requested, event)


def look_again_at(at: AppSituation) -> float | None:
    """Boot seconds of the next look; None where there is no schedule."""
    spec, wall = at.app.spec, at.moment.wall
    if spec.restart_schedule is None:
        return None
    zone = spec.time_zone or wall.zone
    next_at = schedule.coming(at.memory, spec.restart_schedule, zone, wall.at(at.now))
    latest = at.now + LOOK
    return min(latest, wall.boot(next_at)) if next_at is not None else latest
