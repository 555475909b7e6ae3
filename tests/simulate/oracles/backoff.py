"""A program that crashes again and again is started at the pace of its ladder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.simulate.lives import Life, away, lives
from tests.simulate.run import Outcome

_JITTER = 0.79
"""The shortest wait, as a part of the ladder's."""
_LONGEST = 60.0
_KEPT = 0.2
"""Seconds in which a crash that was seen is written down."""


def backoff_is_kept(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    if any(fault.what in ("trouble", "refuse", "slow", "lag") for fault in outcome.faults):
        return  # what could not be written is not remembered
    scenario, gone = outcome.scenario, [*away(outcome.history)]
    boots = [entry.at for entry in outcome.history.of("boot")]
    numbers: dict[tuple[str, int], list[Life]] = defaultdict(list)
    for life in lives(outcome.history):
        wish = scenario.meant[life.app][0].wish if life.app in scenario.meant else None
        if wish is not None and not wish.is_job:
            numbers[life.app, life.instance].append(life)
    for (app, number), of_number in numbers.items():
        failures = 0
        for life, after in pairwise(of_number):
            edited = len(scenario.wishes(app, life.began - 1, after.began)) > 1
            seen = not any(a - _KEPT <= life.ended <= b for a, b in gone)
            booted = any(life.ended <= at <= after.began for at in boots)  # its clock is another
            if booted or edited or life.hash != after.hash or life.signals or not life.is_crash:
                failures = 0
                continue
            failures += seen
            least = _JITTER * min(_LONGEST, 2.0 ** min(failures - 2, 9)) if failures > 1 else 0.0
            if seen and after.began - life.ended < least:
                yield (
                    f"{app}/{number}: started {after.began - life.ended:.2f} s after crash "
                    f"{failures} in a row, at {after.began:.3f} s; the ladder has {least:.2f} s"
                )
