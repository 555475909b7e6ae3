"""The event loop goes on: no callback fails, none takes long, nothing unforeseen is logged."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.run import Outcome

_LONGEST = 1.0
"""Processor seconds of one turn, on a machine that others use too. The longest has been 0.1 s."""


def loop_goes_on(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    for run in (calm, outcome):
        yield from run.reported
        if run.slowest > _LONGEST:
            yield f"one turn of the loop took {run.slowest:.1f} s of processor time"
