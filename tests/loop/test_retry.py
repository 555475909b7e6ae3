"""The controller's own ladder: soon at first, rarer later, never in step, never giving up."""

from __future__ import annotations

from reconciler.loop.retry import delay


def test_it_doubles_from_a_fifth_of_a_second_to_fifteen() -> None:
    for attempt, base in ((1, 0.2), (2, 0.4), (3, 0.8), (7, 12.8), (8, 15), (10_000, 15)):
        assert base <= delay(attempt) <= base * 1.2


def test_a_thousand_do_not_come_back_in_one_instant() -> None:
    assert len({delay(5) for _ in range(1000)}) > 900
