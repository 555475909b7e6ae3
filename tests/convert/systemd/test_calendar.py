"""OnCalendar= elapses when the schedule comes: systemd's own reckoning beside the controller's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, reject, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from reconciler.convert.systemd.calendar import calendar, shortest_gap
from reconciler.convert.systemd.clockchange import touches
from reconciler.diff.core.schedule import following
from reconciler.model.words.values import Cron
from tests.convert.systemd.systemd_reads import asks_systemd, moments

COUNT = 6
_CRON: TypeAdapter[str] = TypeAdapter(Cron)
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def _field(
    first: int, last: int, *more: str, names: list[str] | None = None
) -> st.SearchStrategy[str]:
    """Stars, numbers, names, ranges, steps, what else the field may hold, and lists of it all."""
    number = st.integers(first, last)
    spelled = number.map(str) | st.sampled_from(names) if names else number.map(str)
    span = st.tuples(number, number).map(lambda ends: "{}-{}".format(*sorted(ends)))
    stepped = st.tuples(st.just("*") | span | number.map(str), st.integers(1, last)).map(
        lambda parts: "{}/{}".format(*parts)
    )
    one = st.one_of(spelled, span, stepped, *map(st.just, more))
    several = st.lists(one, min_size=1, max_size=3).map(",".join)
    return st.just("*") | one | several | several.map(lambda text: f"*,{text}")


_NTH = [f"{day}#{n}" for day in (0, 1, 5, 7) for n in (1, 3, 5)] + [f"{n}L" for n in (0, 3, 7)]
_SCHEDULE = st.tuples(
    _field(0, 59),
    _field(0, 23),
    _field(1, 31, "L", "LW"),
    _field(1, 12, names=_MONTHS),
    _field(0, 7, *_NTH, "MON#2", names=_DAYS),
).map(" ".join)
_AFTER = st.integers(1_000_000_000, 2_000_000_000)
_ZONE = st.sampled_from(["Europe/Berlin", "America/New_York", "America/St_Johns", "Asia/Kolkata"])


def comes(schedule: str) -> str:
    """The schedule as the model has it; one that never comes is no example."""
    try:
        return _CRON.validate_python(schedule)
    except ValidationError:
        reject()


def by_recon(schedule: str, zone: str, after: int) -> list[int]:
    """As ``moments``, by the controller's own reckoning."""
    found: list[int] = []
    at = following(schedule, zone, after)
    while at is not None and len(found) < COUNT:
        found.append(int(at))
        at = following(schedule, zone, at)
    return found


def until_the_clocks_change(found: list[int], zone: str, after: int) -> list[int]:
    """Those before the first that lies within an hour of a change, or has another offset."""

    def offsets(at: int) -> set[timedelta | None]:
        around = (at - 3600, at, at + 3600)
        return {datetime.fromtimestamp(each, ZoneInfo(zone)).utcoffset() for each in around}

    assume(len(offsets(after)) == 1)
    return [*takewhile(lambda at: offsets(at) == offsets(after), found)]


@asks_systemd
@settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
@given(_SCHEDULE, _AFTER)
@example("0 0 13 * 5", 1_700_000_000)  # either
@example("0 0 */2 * MON", 1_700_000_000)  # both
@example("0 0 LW * *", 1_700_000_000)
@example("0 0 */21 2 1L", 1_700_000_000)  # the 22nd, where February has 28 days
@example("0 0 */23 2 0L,*/9", 1_700_000_000)
@example("5 4 L * */2", 1_700_000_000)
@example("0 0 LW 2 *,1#5", 1_700_000_000)
@example("0 0 31 2,4,5 *", 1_700_000_000)
@example("0 12 29 2 1", 1_900_000_000)
def test_systemd_elapses_when_the_schedule_comes(schedule: str, after: int) -> None:
    schedule = comes(schedule)
    assert moments(calendar(schedule, "UTC"), after, COUNT) == by_recon(schedule, "UTC", after)


@asks_systemd
@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(_SCHEDULE, _ZONE, st.integers(1_600_000_000, 2_000_000_000))
@example("*/13 */23 * * *", "Europe/Berlin", 1_600_000_000)
@example("* 2 * 10 0L", "Europe/Berlin", 1_788_304_221)  # only in the hour that comes twice
@example("* 2 * 3 0L", "Europe/Berlin", 1_788_304_221)  # only in the hour that never comes
def test_in_a_zone_too_but_for_what_is_told_of_the_change_of_its_clocks(
    schedule: str, zone: str, after: int
) -> None:
    schedule = comes(schedule)
    found = moments(calendar(schedule, zone), after, COUNT)
    expected = by_recon(schedule, zone, after)
    if touches(schedule, zone):  # only as far as the offset stays what it was
        found, expected = [until_the_clocks_change(at, zone, after) for at in (found, expected)]
    assert found == expected


@asks_systemd
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
@pytest.mark.parametrize(
    "schedule", ["0 */3 * * *", "30 3 * * *", "*/20 4-23 * * *", "0 1,3 * * *"]
)
def test_what_is_not_told_is_equal_over_a_change_of_the_clocks(day: str, schedule: str) -> None:
    zone = "Europe/Berlin"
    assert not touches(schedule, zone)
    after = int(datetime.fromisoformat(f"{day}T20:00").replace(tzinfo=UTC).timestamp())
    assert moments(calendar(schedule, zone), after, COUNT) == by_recon(schedule, zone, after)


@pytest.mark.parametrize("schedule", ["30 2 * * *", "* * * * *", "0 * * * *", "59 2 * * SUN"])
def test_what_falls_into_an_hour_that_clocks_leave_out_or_repeat_is_told(schedule: str) -> None:
    assert touches(schedule, "Europe/Berlin")
    assert not touches(schedule, "UTC") and not touches(schedule, "Asia/Kolkata")


@given(_SCHEDULE, _AFTER)
def test_two_moments_are_never_nearer_than_the_shortest_gap(schedule: str, after: int) -> None:
    schedule = comes(schedule)
    found = by_recon(schedule, "UTC", after)
    assert all(b - a >= shortest_gap(schedule) for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("schedule", "lines"),
    [
        ("30 3 * * *", ["*-*-* 03:30:00"]),
        ("*/15 9-17 * * MON-FRI", ["Mon..Fri *-*-* 09..17:00/15:00"]),
        ("*/13 */23 * * *", ["*-*-* 00,23:00..52/13:00"]),
        ("0 0 1,15 * MON", ["*-*-01,15 00:00:00", "Mon *-*-* 00:00:00"]),
        ("0 0 L * *", ["*-*~01 00:00:00"]),
        ("0 0 * * 1#1,5L", ["Mon *-*-01..07 00:00:00", "Fri *-*~01..07 00:00:00"]),
    ],
)
def test_it_reads_as_somebody_would_write_it(schedule: str, lines: list[str]) -> None:
    assert calendar(schedule) == lines
    assert calendar(schedule, "Asia/Tokyo") == [f"{line} Asia/Tokyo" for line in lines]
