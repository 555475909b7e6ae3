"""A history holds hours in little, and what comes back from the journal is the same."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.state.usage import BUCKETS, EVERY, RECENT, UsageHistory

MI = 2**20
values = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2**36), st.floats(0, 12800)), max_size=400
)
"""Slots to skip, bytes, percent."""


def filled(count: int, every: float = EVERY) -> UsageHistory:
    history = UsageHistory()
    for n in range(count):
        history.add(n * every, (100 + n) * MI, 50.0)
    return history


def test_the_last_minutes_are_kept_one_by_one() -> None:
    recent = filled(100).recent()
    assert [sample.at for sample in recent] == [n * EVERY for n in range(100 - RECENT, 100)]
    assert (recent[-1].rss, recent[-1].cpu) == (199 * MI, 50.0)


def test_the_whole_life_is_kept_in_buckets_that_grow_wider() -> None:
    for hours, width in ((1, 60), (2, 120), (3, 120), (7, 480), (20, 960), (100, 960)):
        history = filled(hours * 240)
        buckets = history.buckets()
        assert history.width == width and len(buckets) <= BUCKETS
        if hours <= 25:
            assert buckets[0].low == 100 * MI
        assert buckets[-1].high == (100 + hours * 240 - 1) * MI
        assert all(b.cpu == 50 for b in buckets)


def test_thousand_of_them_are_less_than_three_mebibytes() -> None:
    history = filled(32 * 240)
    size = sys.getsizeof(history) + sum(
        sys.getsizeof(part) for part in (history._recent, history._long)
    )
    assert size < 2500 and len(history.pack()) < 1600


@given(values)
def test_nothing_goes_beyond_its_bounds_and_lows_are_below_highs(
    steps: list[tuple[int, int, float]],
) -> None:
    history, at, seen = UsageHistory(), 50_000.0, []
    for skip, rss, cpu in steps:
        at += EVERY * (skip + 1)
        history.add(at, rss, cpu)
        seen.append(max(1, rss // 1024) * 1024)
    assert len(history.recent()) <= RECENT and len(history.buckets()) <= BUCKETS
    for bucket in history.buckets():
        assert min(seen) <= bucket.low <= bucket.high <= max(seen)
        assert bucket.at <= at + history.width
    assert [b.at for b in history.buckets()] == sorted({b.at for b in history.buckets()})


@given(values)
def test_what_was_packed_comes_back(steps: list[tuple[int, int, float]]) -> None:
    history, at = UsageHistory(), 0.0
    for skip, rss, cpu in steps:
        at += EVERY * (skip + 1)
        history.add(at, rss, cpu)
    again = UsageHistory.unpack(history.pack())
    assert again is not None
    for one in (history, again):
        one.add(at + 100, 7 * MI, 1.0)
    assert (again.recent(), again.buckets()) == (history.recent(), history.buckets())


def test_time_that_nobody_looked_is_a_gap_and_no_zero() -> None:
    history = UsageHistory()
    history.add(0.0, 10 * MI, 1.0)
    history.add(3600.0, 20 * MI, 1.0)
    assert [bucket.low for bucket in history.buckets()] == [10 * MI, 20 * MI]
    history.add(10_000_000.0, 30 * MI, 1.0)
    assert [sample.rss for sample in history.recent()] == [30 * MI]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_history_are_none(data: bytes) -> None:
    UsageHistory.unpack(data)
    assert UsageHistory.unpack(b"\xff" + data) is None
