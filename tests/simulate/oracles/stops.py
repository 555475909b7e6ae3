"""A stop that was begun ends within its grace period, whichever controller is there by then."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.lives import away, lives
from tests.simulate.run import Outcome

_KEPT = 0.2
"""Seconds in which a stop is written down."""
_SLACK = 1.0


def every_stop_ends_in_time(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    if any(fault.what in ("trouble", "refuse", "slow") for fault in outcome.faults):
        return  # what could not be written is not remembered
    scenario, gone = outcome.scenario, [*away(outcome.history)]
    for life in lives(outcome.history):
        if not life.signals or life.app not in scenario.meant:
            continue
        began, last = life.stopped, life.signals[-1][0]
        if life.ended == float("inf") or any(a - _KEPT < began <= a for a, _ in gone):
            continue
        grace = max(
            dict(one.wish.fields)["terminationGracePeriodSeconds"]
            for one in scenario.meant[life.app]
            if one.wish is not None
        )
        back = max((b for a, b in gone if a <= began + grace + _SLACK and b >= began), default=0.0)
        if last > max(began + grace, back) + _SLACK:
            yield (
                f"{life.app}/{life.instance}: told to stop at {began:.3f} s, killed at {last:.3f} s"
                f" and not within {grace} s"
            )
