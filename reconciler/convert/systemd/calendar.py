"""Cron's five fields as OnCalendar= expressions that elapse at the same moments.

Exact for all that a schedule may hold, in days without a change of the clocks (``clockchange``):
what one expression cannot say, several say together, for a timer elapses at each of them. The
fields are read by cronsim, which also tells the controller when it is time.

Sources: systemd.time(7) "Calendar Events"; crontab(5) of Debian, by whose rule a day has to match
both of its fields where one of them begins with ``*``, else either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cronsim import CronSim

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_WEEKDAY = frozenset(range(7))
_EVERY_DAY = frozenset(range(1, 32))
_LENGTHS = {31: frozenset({1, 3, 5, 7, 8, 10, 12}), 30: frozenset({4, 6, 9, 11})}
_FEBRUARY = frozenset({2})
_LEAP = "2000..2096/4,2104..2196/4"
_COMMON = "2001/4,2002/4,2003/4,2100"
"""Years in which February has 29 days, and 28, as far as systemd reckons (2199)."""


@dataclass(frozen=True, slots=True)
class _Days:
    """Days that are one of ``days`` of one of ``months`` and fall on one of ``weekdays``."""

    months: frozenset[int]
    weekdays: frozenset[int] = _EVERY_WEEKDAY
    """From 0, Monday."""
    days: frozenset[int] = _EVERY_DAY
    """From 1, the first of the month; or, ``from_end``, its last."""
    from_end: bool = False
    years: str = "*"

    @property
    def every_day(self) -> bool:
        return not self.from_end and self.days == _EVERY_DAY


def calendar(schedule: str, zone: str | None = None) -> list[str]:
    """The OnCalendar= expressions of a schedule that was validated (``model.words.values.Cron``).

    ``zone`` is a name of the tz database; None: the time of the host.
    """
    cron = fields_of(schedule)
    hours = _listed(cron.hours, range(24))
    # systemd (seen on 252) leaves out midnight after steps that run out of a listed hour 23.
    bounded = hours != "*" and 23 in cron.hours and len(cron.minutes) < 60
    minutes = _listed(cron.minutes, None if bounded else range(60))
    time = f"{hours}:{minutes}:00{f' {zone}' if zone else ''}"
    return list(dict.fromkeys(f"{_date(days)} {time}" for days in _days(cron)))


def fields_of(schedule: str) -> CronSim:
    """The fields as sets of numbers: ``hours``, ``minutes`` and so on."""
    return CronSim(schedule, datetime(2024, 1, 1, tzinfo=UTC))


def shortest_gap(schedule: str) -> int:
    """Seconds that lie between two of its moments at least; at most a day."""
    cron = fields_of(schedule)
    times = sorted(60 * hour + minute for hour in cron.hours for minute in cron.minutes)
    after = [*times[1:], times[0] + 24 * 60]
    return 60 * min(later - time for time, later in zip(times, after, strict=True))


def _days(cron: CronSim) -> Iterator[_Days]:
    by_month, by_week = [*_of_month(cron)], [*_of_week(cron)]
    if not cron.day_and:
        found = [*by_month, *by_week]
    else:
        found = [days for one in by_month for other in by_week for days in _common(one, other)]
    for days in found:
        if days.from_end or days.every_day:
            yield days
            continue
        # What no month has is left out: systemd would look for it forever.
        longest = max(_longest(month) for month in days.months)
        there = frozenset(day for day in days.days if day <= longest)
        if there:
            yield replace(days, days=there)


def _of_month(cron: CronSim) -> Iterator[_Days]:
    months = frozenset(cron.months)
    plain = frozenset(day for day in cron.days if day > 0)
    if plain:
        yield _Days(months, days=plain)
    if CronSim.LAST in cron.days:
        yield _Days(months, days=frozenset({1}), from_end=True)
    if CronSim.LAST_WEEKDAY in cron.days:
        # The last day where it is none of a weekend, else the Friday before it.
        yield _Days(months, frozenset(range(5)), frozenset({1}), from_end=True)
        yield _Days(months, frozenset({4}), frozenset({2, 3}), from_end=True)


def _of_week(cron: CronSim) -> Iterator[_Days]:
    months = frozenset(cron.months)
    plain = frozenset((day - 1) % 7 for day in cron.weekdays if isinstance(day, int))
    if plain:
        yield _Days(months, plain)
    for weekday, which in sorted(day for day in cron.weekdays if not isinstance(day, int)):
        on = frozenset({(weekday - 1) % 7})
        if which == CronSim.LAST:
            yield _Days(months, on, frozenset(range(1, 8)), from_end=True)
        else:
            week = frozenset(range(7 * which - 6, 7 * which + 1))
            yield _Days(months, on, week & _EVERY_DAY)


def _common(one: _Days, other: _Days) -> Iterator[_Days]:
    """The days that are in both, which have their months in common."""
    weekdays = one.weekdays & other.weekdays
    if one.every_day or other.every_day:
        found = [replace(other if one.every_day else one, weekdays=weekdays)]
    elif one.from_end == other.from_end:
        found = [replace(one, weekdays=weekdays, days=one.days & other.days)]
    else:
        start, end = (other, one) if one.from_end else (one, other)
        found = [replace(days, weekdays=weekdays) for days in _counted_from_start(start, end)]
    return (days for days in found if days.weekdays and days.days and days.months)


def _counted_from_start(start: _Days, end: _Days) -> Iterator[_Days]:
    """The days that are in both, by how long the month is; weekdays aside."""

    def common(length: int) -> frozenset[int]:
        return start.days & {length + 1 - day for day in end.days}

    for length, months in _LENGTHS.items():
        yield _Days(start.months & months, days=common(length))
    february = start.months & _FEBRUARY
    always = common(28) & common(29)
    yield _Days(february, days=always)
    yield _Days(february, days=common(29) - always, years=_LEAP)
    yield _Days(february, days=common(28) - always, years=_COMMON)


def _longest(month: int) -> int:
    return 29 if month == 2 else 31 if month in _LENGTHS[31] else 30


def _date(days: _Days) -> str:
    weekdays = "" if days.weekdays == _EVERY_WEEKDAY else f"{_named(days.weekdays)} "
    months = _listed(days.months, range(1, 13))
    if days.from_end:
        return f"{weekdays}{days.years}-{months}~{_listed(days.days, None)}"
    return f"{weekdays}{days.years}-{months}-{_listed(days.days, range(1, 32))}"


def _named(weekdays: frozenset[int]) -> str:
    runs = ((_WEEK[first], _WEEK[last]) for first, last in _runs(weekdays))
    return ",".join(f"{first}..{last}" if first != last else first for first, last in runs)


def _listed(numbers: set[int] | frozenset[int], every: range | None) -> str:
    """Numbers as a component: ``*``, steps from a first one on, or a list with its ranges."""
    if every is not None and numbers == set(every):
        return "*"
    first, *rest = sorted(numbers)
    if len(rest) > 1 and rest[0] - first > 1:
        steps = range(first, rest[-1] + 1, rest[0] - first)
        if numbers == set(steps):
            to_end = every is not None and rest[-1] + steps.step not in every
            return f"{first:02}{'' if to_end else f'..{rest[-1]:02}'}/{steps.step}"
    runs = _runs(numbers)
    return ",".join(f"{a:02}..{b:02}" if b > a else f"{a:02}" for a, b in runs)


def _runs(numbers: set[int] | frozenset[int]) -> list[tuple[int, int]]:
    """First and last of each row of numbers that follow each other."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
