"""When logs are put aside by the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.write.rotation import latest_turn, next_turn
from reconciler.model.spec.logs import Rotate


@pytest.fixture(autouse=True, scope="module")
def berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def told(when: float | None) -> str | None:
    return None if when is None else datetime.fromtimestamp(when).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("rotate", "now", "latest", "coming"),
    [
        (Rotate(every="1d"), "2026-11-24 13:00", "2026-11-24 00:00", "2026-11-25 00:00"),
        (Rotate(every="1h"), "2026-11-24 13:30", "2026-11-24 13:00", "2026-11-24 14:00"),
        (Rotate(every="7d"), "2026-11-24 13:00", "2026-11-23 00:00", "2026-11-30 00:00"),  # Mondays
        (Rotate(at="06:00"), "2026-11-24 05:59", "2026-11-23 06:00", "2026-11-24 06:00"),
        (Rotate(at=["18:00", "06:00"]), "2026-11-24 06:00", "2026-11-24 06:00", "2026-11-24 18:00"),
        (
            Rotate(every="1h", at="12:30"),
            "2026-11-24 12:45",
            "2026-11-24 12:30",
            "2026-11-24 13:00",
        ),
        # Clocks go forward: there is no 02:30, and the day has 23 hours.
        (Rotate(at="00:00"), "2026-03-29 12:00", "2026-03-29 00:00", "2026-03-30 00:00"),
        (Rotate(every="1d"), "2026-03-29 23:00", "2026-03-29 00:00", "2026-03-30 00:00"),
    ],
)
def test_turns_are_of_local_time(rotate: Rotate, now: str, latest: str, coming: str) -> None:
    assert told(latest_turn(rotate, at(now))) == latest
    assert told(next_turn(rotate, at(now))) == coming


def test_without_a_rule_of_time_there_is_no_turn() -> None:
    assert latest_turn(Rotate(), at("2026-11-24 13:00")) == 0.0
    assert next_turn(Rotate(), at("2026-11-24 13:00")) is None


@given(
    now=st.floats(at("2026-01-01"), at("2027-12-31")),
    every=st.sampled_from([None, "1m", "7h", "1d", "7d"]),
    clocks=st.lists(st.sampled_from(["00:00", "02:30", "12:00", "23:59"]), max_size=2),
)
def test_now_lies_between_two_turns_of_which_none_is_left_out(
    now: float, every: str | None, clocks: list[str]
) -> None:
    rotate = Rotate(every=every, at=clocks)
    coming = next_turn(rotate, now)
    if coming is None:
        assert not every and not clocks
        return
    assert latest_turn(rotate, now) <= now < coming
    assert latest_turn(rotate, coming) == coming
    assert latest_turn(rotate, coming - 0.001) <= now, "nothing lies between"
