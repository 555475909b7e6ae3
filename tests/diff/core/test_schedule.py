"""Schedules: cron's moments, over changes of the clocks and long absences."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.schedule import following, latest

BERLIN = ZoneInfo("Europe/Berlin")
SCHEDULES = ("* * * * *", "*/7 * * * *", "30 2 * * *", "0 */6 * * *", "15 4 1 * *", "0 0 29 2 *")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/St_Johns")
moments = st.floats(min_value=1.5e9, max_value=2.0e9)


def wall(*when: int, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime(*when, tzinfo=zone, fold=fold).timestamp()  # type: ignore[misc,arg-type]


def test_the_time_is_that_of_the_zone() -> None:
    after = datetime(2026, 7, 1, 0, 0, tzinfo=UTC).timestamp()
    found = following("30 3 * * *", "Europe/Berlin", after)
    assert found == datetime(2026, 7, 1, 1, 30, tzinfo=UTC).timestamp()


def test_what_falls_into_the_hour_left_out_runs_right_after_it() -> None:
    found = following("30 2 * * *", "Europe/Berlin", wall(2026, 3, 29, 0, 0))
    assert found == wall(2026, 3, 29, 3, 0)
    assert following("30 2 * * *", "Europe/Berlin", found) == wall(2026, 3, 30, 2, 30)


@pytest.mark.parametrize("minute", [0, 20, 45])
def test_what_falls_into_the_hour_that_comes_twice_runs_once(minute: int) -> None:
    first = following("30 2 * * *", "Europe/Berlin", wall(2026, 10, 25, 0, 0))
    assert first == wall(2026, 10, 25, 2, 30)
    # Looked at again in the middle of the second one.
    second = wall(2026, 10, 25, 2, minute, fold=1)
    assert following("30 2 * * *", "Europe/Berlin", second) == wall(2026, 10, 26, 2, 30)


def test_what_comes_each_hour_comes_each_hour_that_passes() -> None:
    at = wall(2026, 10, 25, 0, 0)
    for _ in range(6):
        after = following("0 * * * *", "Europe/Berlin", at)
        assert after is not None and after - at == 3600
        at = after


def test_of_a_year_of_downtime_only_the_latest_moment_counts() -> None:
    now = wall(2026, 11, 28, 12, 0)
    assert latest("* * * * *", "UTC", now - 366 * 86_400, now + 30) == now
    assert latest("0 3 * * *", "Europe/Berlin", 0.0, now) == wall(2026, 11, 28, 3, 0)
    assert latest("0 0 29 2 *", "UTC", 0.0, now) == datetime(2024, 2, 29, tzinfo=UTC).timestamp()


def test_a_moment_is_not_found_twice() -> None:
    now = wall(2026, 11, 28, 12, 0)
    assert latest("0 12 * * *", "Europe/Berlin", now, now + 5) is None


@given(st.sampled_from(SCHEDULES), st.sampled_from(ZONES), moments, st.floats(0, 90 * 86_400))
def test_the_latest_is_the_last_of_those_that_follow(
    schedule: str, zone: str, after: float, gap: float
) -> None:
    found = latest(schedule, zone, after, after + gap)
    if found is None:
        following_one = following(schedule, zone, after)
        assert following_one is not None and following_one > after + gap
    else:
        assert after < found <= after + gap
        following_one = following(schedule, zone, found)
        assert following_one is not None and following_one > after + gap
