"""When a schedule comes: cron's five fields in a time zone.

Over a change of the clocks as Debian's cron(8): what falls into the hour that is left out runs
right after it, what falls into the hour that comes twice runs once; schedules with ``*`` for the
hour or the minute go by the time that really passes (cronsim).

The same where the clock is set: by less than three hours, a fixed time that was left out is made
up for, and one that comes again is not repeated, while a schedule with ``*`` goes by the new time
at once. By more, the clock was wrong before: the new time is simply taken.

Until when a schedule has been seen to is remembered, so that no moment comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from reconciler.model.state.memory import AppMemory
from reconciler.model.state.walltime import WallTime

# How far back the latest moment is looked for, in seconds: a short while for what comes each
# minute, so that a year of downtime is not gone through; 8 years hold a 29th of February.
_BACK = (3600.0, 86_400.0, 32 * 86_400.0, 9 * 366 * 86_400.0)
_CORRECTED = 3 * 3600.0
"""Seconds by which a clock is set that was wrong before: where cron(8) draws the line."""
_JITTER = 60.0
"""Seconds that a clock may be set back without a moment coming again: it is kept right by NTP."""


def is_frequent(schedule: str) -> bool:
    """Whether it goes by the time that passes: ``*`` for the minute or the hour, also ``*/5``."""
    return any(field.startswith("*") for field in schedule.split()[:2])


def follow(
    memory: AppMemory, schedule: str | None, zone: str, now: float, wall: WallTime
) -> AppMemory:
    """The memory of an app that has this schedule now, or none.

    One that is new, edited, or there again counts from now on: it has missed nothing. So does one
    over which the clock was set, where the new time is to be taken.
    """
    key = f"{schedule} {zone}" if schedule is not None else ""
    since, wall_now = memory.scheduled_until, wall.at(now)
    if memory.scheduled != key:
        return replace(memory, scheduled=key, scheduled_until=wall_now if key else None)
    if since is None or schedule is None:
        return memory
    allowed = _JITTER if is_frequent(schedule) else _CORRECTED
    if since - wall_now >= allowed:
        return replace(memory, scheduled_until=wall_now)
    if wall.forward <= _CORRECTED or wall.forward_at is None:
        return memory
    then = wall.at(wall.forward_at)
    return memory if since >= then else replace(memory, scheduled_until=then)


def missed(memory: AppMemory, schedule: str, zone: str, wall_now: float) -> float | None:
    """The last moment of a schedule that is followed, not seen to until now; None for none."""
    since = memory.scheduled_until
    return latest(schedule, zone, since, wall_now) if since is not None else None


def coming(memory: AppMemory, schedule: str, zone: str, wall_now: float) -> float | None:
    """The next moment of a schedule that is followed: what has been seen to does not come again."""
    return following(schedule, zone, max(wall_now, memory.scheduled_until or wall_now))


def following(schedule: str, zone: str, after: float) -> float | None:
    """The first moment after ``after`` (both in seconds since 1970); None where none comes."""
    return next(_moments(schedule, zone, after), None)


def latest(schedule: str, zone: str, after: float, until: float) -> float | None:
    """The last moment after ``after`` and not after ``until``; None where there is none."""
    for back in _BACK:
        start = max(after, until - back)
        found = takewhile(lambda moment: moment <= until, _moments(schedule, zone, start))
        last = None
        for last in found:  # noqa: B007  the last is what is asked for
            pass
        if last is not None or start == after:
            return last
    return None


def _moments(schedule: str, zone: str, after: float) -> Iterator[float]:
    start = datetime.fromtimestamp(after, UTC if zone == "UTC" else ZoneInfo(zone))
    for moment in CronSim(schedule, start):
        at = moment.timestamp()
        # In the hour that comes twice a fixed time is found in its first half again.
        if at > after:
            yield at
