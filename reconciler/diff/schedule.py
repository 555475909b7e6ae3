"""When a schedule comes: cron's five fields in a time zone.

Over a change of the clocks as Debian's cron: what falls into the hour that is left out runs right
after it, what falls into the hour that comes twice runs once; schedules with ``*`` for the hour or
the minute go by the time that really passes (cronsim).

Until when a schedule has been seen to is remembered, so that no moment comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from reconciler.model.memory import AppMemory

# How far back the latest moment is looked for, in seconds: a short while for what comes each
# minute, so that a year of downtime is not gone through; 8 years hold a 29th of February.
_BACK = (3600.0, 86_400.0, 32 * 86_400.0, 9 * 366 * 86_400.0)
_CORRECTED = 3 * 3600.0
"""Seconds. A clock that is set back by less repeats an hour, in which nothing comes twice; one that
is set back by more was wrong before (cron(8) draws the line there, too)."""


def follow(memory: AppMemory, schedule: str | None, zone: str, wall_now: float) -> AppMemory:
    """The memory of an app that has this schedule now, or none.

    One that is new, edited, or there again counts from now on: it has missed nothing.
    """
    key = f"{schedule} {zone}" if schedule is not None else ""
    since = memory.scheduled_until
    if memory.scheduled == key and (since is None or since - wall_now < _CORRECTED):
        return memory
    return replace(memory, scheduled=key, scheduled_until=wall_now if key else None)


def missed(memory: AppMemory, schedule: str, zone: str, wall_now: float) -> float | None:
    """The last moment of a schedule that is followed, not seen to until now; None for none."""
    since = memory.scheduled_until
    return latest(schedule, zone, since, wall_now) if since is not None else None


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
        # In the hour that comes twice a fixed time is found in its first half once more.
        if at > after:
            yield at
