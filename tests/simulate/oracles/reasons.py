"""Nothing is stopped, and nothing is started, that is not meant to be."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.lives import Life, lives
from tests.simulate.programs import NEVER_GOOD
from tests.simulate.run import Outcome
from tests.simulate.wishes import Scenario, Wish

_LATE = 30.0
"""Seconds for which a controller may not know of an edit: the longest until the next look."""


def every_stop_has_a_reason(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    """A process is stopped only if, while it ran, something else was meant."""
    scenario = outcome.scenario
    for life in lives(outcome.history):
        if not life.signals or life.app not in scenario.meant:
            continue
        if life.stopped < life.executed:
            continue  # whether it was a program yet, only the controller that began it could tell
        wishes = scenario.wishes(life.app, life.began - _LATE, life.stopped)
        if not any(_explains(wish, life) for wish in wishes):
            yield f"{life.app}/{life.instance}: stopped at {life.stopped:.3f} s for no reason"


def every_start_has_a_reason(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    """What is not meant to run is not started, and no version that was never written."""
    scenario = outcome.scenario
    gone = _absences(outcome)
    for life in lives(outcome.history):
        if life.app not in scenario.meant:
            continue
        wishes = scenario.wishes(life.app, life.began - _LATE - gone, life.began)
        if not any(wish is None or wish.wanted > life.instance or wish.is_job for wish in wishes):
            yield f"{life.app}/{life.instance}: started at {life.began:.3f} s, not meant to run"
        if all(wish is None for wish in wishes) and life.began > wishes_end(scenario, life.app):
            yield f"{life.app}/{life.instance}: started at {life.began:.3f} s, and was removed"
        versions = {wish.version for wish in scenario.wishes(life.app, 0, life.began) if wish}
        unsure = any(wish is None for wish in wishes)
        if life.version not in versions and not unsure:
            yield f"{life.app}/{life.instance}: {life.version} was never meant"


def wishes_end(scenario: Scenario, app: str) -> float:
    """When it was removed for good; never where it was not."""
    last = scenario.meant[app][-1]
    return last.at + _LATE if last.wish is None else float("inf")


def _absences(outcome: Outcome) -> float:
    """Seconds for which hints or the directory may have been missing."""
    return sum(fault.seconds for fault in outcome.faults if fault.what in ("deaf", "slow")) + 60.0


def _explains(wish: Wish | None, life: Life) -> bool:
    """Whether a process is not, or not any more, what is wished for."""
    if wish is None or wish.version != life.version or wish.program in NEVER_GOOD:
        return True
    return wish.suspended or (not wish.is_job and wish.wanted <= life.instance)
