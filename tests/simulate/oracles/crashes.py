"""What ends by itself, and is meant to run, is started again: whatever else goes on."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.lives import Life, away, lives
from tests.simulate.programs import STEADY
from tests.simulate.run import Outcome

_LATE = 30.0
"""Seconds for which a controller may not know of an edit."""
_LONGEST = 70.0
"""Seconds: the longest wait of a ladder, and a little more."""
_GOOD = (*STEADY, "crasher", "quitter")


def every_crash_is_followed_by_a_start(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    every = lives(outcome.history)
    for life in every:
        if life.ended == float("inf") or life.signals or not _is_meant(outcome, life):
            continue
        until = life.ended + _LONGEST
        if any(a <= until and b >= life.ended - 1 for a, b in _disturbed(outcome)):
            continue
        if not any(
            (one.app, one.instance) == (life.app, life.instance)
            and life.ended <= one.began <= until
            for one in every
        ):
            yield f"{life.app}/{life.instance}: ended at {life.ended:.3f} s ({life.how}), for good"


def _is_meant(outcome: Outcome, life: Life) -> bool:
    """Whether just this was meant to run, for long before and after its end. A canary that ends
    has failed, and a revision that was never good may have been given up."""
    wishes = outcome.scenario.wishes(life.app, life.ended - _LATE, life.ended + _LONGEST)
    return bool(wishes) and all(
        wish is not None
        and wish.kind not in ("canary", "once", "retried", "cron")
        and (wish.version, wish.program in _GOOD) == (life.version, True)
        and wish.wanted > life.instance
        for wish in wishes
    )


def _disturbed(outcome: Outcome) -> Iterator[tuple[float, float]]:
    """When nothing could be started: no controller ran, the host refused, or it booted."""
    yield from away(outcome.history)
    for fault in outcome.faults:
        if fault.what in ("trouble", "lag", "slow"):
            yield fault.at, fault.at + fault.seconds
        elif fault.what == "refuse":
            yield 0.0, float("inf")
    yield from ((entry.at, entry.at) for entry in outcome.history.of("boot"))
    last = outcome.history.entries[-1].at if outcome.history.entries else 0.0
    yield last, float("inf")
