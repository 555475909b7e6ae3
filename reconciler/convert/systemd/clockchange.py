"""Whether a schedule has moments that a change of the clocks moves, where systemd goes its own way.

What falls into the hour that is left out does not run at all under systemd, and of the hour that
comes twice it takes one (seen with version 252); recon does as Debian's cron.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from reconciler.convert.systemd.calendar import fields_of

_YEARS = range(2020, 2035)
"""Rules are the same for decades, but for zones where clocks follow the moon."""
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def touches(schedule: str, zone: str) -> bool:
    """Whether some of its times of day fall into what is left out, or comes twice, in a zone."""
    cron = fields_of(schedule)
    times = {60 * hour + minute for hour in cron.hours for minute in cron.minutes}
    return not times.isdisjoint(_minutes(zone))


@cache
def _minutes(zone: str) -> frozenset[int]:
    """The minutes of the day that do not exist, or come twice, when the clocks change."""
    clock = ZoneInfo(zone)
    found: set[int] = set()
    for change in _changes(clock):
        before, after = (change - _MINUTE).astimezone(clock), change.astimezone(clock)
        shift = _offset(clock, change) - _offset(clock, change - _MINUTE)
        first = after if shift < timedelta() else before + _MINUTE
        start = 60 * first.hour + first.minute
        found.update((start + n) % 1440 for n in range(abs(shift) // _MINUTE))
    return frozenset(found)


def _changes(clock: ZoneInfo) -> Iterator[datetime]:
    """The first moments, to the minute, at which another offset holds."""
    day = datetime(_YEARS[0], 1, 1, tzinfo=UTC)
    while day.year in _YEARS:
        if _offset(clock, day) != _offset(clock, day + _DAY):
            yield _between(clock, day, day + _DAY)
        day += _DAY


def _between(clock: ZoneInfo, before: datetime, after: datetime) -> datetime:
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if _offset(clock, middle) == _offset(clock, before):
            before = middle
        else:
            after = middle
    return after


def _offset(clock: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(clock).utcoffset() or timedelta()
