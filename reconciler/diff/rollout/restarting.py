"""`restartSchedule`: a rolling restart by the clock, as PM2's ``cron_restart``.

What has ended for good (OnFailure, Never) is started again, too; what is suspended is not.
Unlike a Job's run, one that was missed is not made up for: what was down has been restarted.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core import schedule
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.walltime import WallTime

LOOK = 60.0
"""Seconds after which a schedule is looked at again at the latest: the clock may be set."""
_LATE = 5 * LOOK
"""Seconds after which a restart counts as missed."""


def call(
    app: DesiredApp, memory: AppMemory, now: float, wall: WallTime
) -> tuple[AppMemory, tuple[Event, ...]]:
    """The memory in which a restart is requested where it is time for one."""
    wanted, wall_now = app.spec.restart_schedule, wall.at(now)
    zone = app.spec.time_zone or wall.zone
    memory = schedule.follow(memory, wanted, zone, now, wall)
    at = schedule.missed(memory, wanted, zone, wall_now) if wanted is not None else None
    if at is None:
        return memory, ()
    memory = replace(memory, scheduled_until=at)
    if now - wall.came(at) > _LATE or app.spec.suspend:
        return memory, ()
    # What has ended, or waits to be tried again, starts at the moment too; as `recon restart`.
    asked = replace(memory, restart_requested_at=now, progressed_at=None, progress=0, ended={})
    return asked, (Event(app.name, "RestartRequested", "it is time (restartSchedule)"),)


def look_again_at(app: DesiredApp, memory: AppMemory, now: float, wall: WallTime) -> float | None:
    """Boot seconds of the next look; None where there is no schedule."""
    if app.spec.restart_schedule is None:
        return None
    zone = app.spec.time_zone or wall.zone
    next_at = schedule.coming(memory, app.spec.restart_schedule, zone, wall.at(now))
    return min(now + LOOK, wall.boot(next_at)) if next_at is not None else now + LOOK
