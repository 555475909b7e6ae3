"""When a schedule comes: cron's five fields in a time zone.

Over a change of the clocks as Debian's cron: what falls into the hour that is left out runs right
after it, what falls into the hour that comes twice runs once; schedules with ``*`` for the hour or
the minute go by the time that really passes (cronsim).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

# How far back the latest moment is looked for, in seconds: a short while for what comes each
# minute, so that a year of downtime is not gone through; 8 years hold a 29th of February.
_BACK = (3600.0, 86_400.0, 32 * 86_400.0, 9 * 366 * 86_400.0)


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
