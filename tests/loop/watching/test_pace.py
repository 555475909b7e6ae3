"""The pace of changes: a developer hardly waits, a loop soon does."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.loop.watching.pace import FREE, HEELS, LONGEST, not_before, streak

ROUNDING = 1e-6


def test_the_first_changes_are_free() -> None:
    assert not_before([]) == 0
    times = [float(number) for number in range(FREE)]
    assert not_before(times) == times[-1]
    assert not_before([*times, 3.0]) == 3.0 + 2.0


def test_rare_changes_never_wait() -> None:
    times = [number * (HEELS + 1) for number in range(50)]
    assert not_before(times) == times[-1]


def follow(until: float, takes: float) -> list[float]:
    """An app that writes where it watches, ``takes`` seconds after each start."""
    times: list[float] = []
    now = 0.0
    while now < until:
        times.append(now)
        now = max(now + takes, not_before(times))
    return times


@given(st.floats(0.01, HEELS))
def test_a_loop_slows_down_to_the_longest_wait(takes: float) -> None:
    times = follow(3600, takes)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[-1] >= LONGEST - ROUNDING
    assert all(later >= earlier - ROUNDING for earlier, later in pairwise(waits))
    assert len(times) < 3600 / LONGEST + 20


@given(st.lists(st.floats(0, 1000), max_size=40))
def test_no_wait_is_longer_than_the_longest(gaps: list[float]) -> None:
    times = [sum(gaps[:end]) for end in range(1, len(gaps) + 1)]
    if times:
        assert 0 <= not_before(times) - times[-1] <= LONGEST


def test_a_pause_forgives() -> None:
    loop = [float(number) for number in range(10)]
    assert streak(loop) == 9
    assert streak([*loop, 500.0]) == 0
    assert not_before([*loop, 500.0]) == 500.0
