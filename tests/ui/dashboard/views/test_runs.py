"""The calendar: coming days, each Job with its first times."""

from __future__ import annotations

import time

import pytest

from reconciler.ui.dashboard.views.runs import calendar, coming_runs

NIGHTLY = {"schedule": "30 3 * * *"}
EVERY_MINUTE = {"schedule": "* * * * *"}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


NOON = 1796040000.0
"""Monday, 2026-11-30, 12:00 UTC."""


def test_the_next_moments_of_a_schedule() -> None:
    assert coming_runs(NIGHTLY, NOON)[:2] == ["Tue 01 Dec, 03:30", "Wed 02 Dec, 03:30"]
    assert coming_runs({}, NOON) == [] and coming_runs({**NIGHTLY, "suspend": True}, NOON) == []


def test_a_job_that_comes_each_minute_leaves_room_for_the_others_on_every_day() -> None:
    days = calendar([("often", EVERY_MINUTE), ("nightly", NIGHTLY)], NOON)
    assert len(days) == 7 and days[0].title == "Monday, 30 November"
    assert [one.job for one in days[0].runs] == ["often"]
    assert days[0].runs[0].times == ["12:01", "12:02", "12:03"] and days[0].runs[0].has_more
    assert [(one.job, one.times[0]) for one in days[1].runs] == [
        ("often", "00:00"),
        ("nightly", "03:30"),
    ]
    assert not days[1].runs[1].has_more


def test_the_zone_of_a_job_counts() -> None:
    spec = {**NIGHTLY, "timeZone": "Asia/Tokyo"}  # 18:30 UTC
    assert calendar([("x", spec)], NOON)[0].runs[0].times == ["18:30"]


def test_nothing_scheduled_is_an_empty_calendar() -> None:
    assert calendar([("once", {})], NOON) == []
