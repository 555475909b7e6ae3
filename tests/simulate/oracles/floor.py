"""No controller stops what is needed: so many instances serve as the strategy promises."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.lives import Life, lives
from tests.simulate.programs import NEVER_GOOD, PROGRAMS, STEADY
from tests.simulate.run import Outcome
from tests.simulate.wishes import Scenario, Wish

_READY = 1.0
"""Seconds from the start to readiness, where there is no probe."""
_LATE = 30.0
"""Seconds for which a controller may not know of an edit."""


def never_below_the_floor(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    if any(fault.what == "lag" for fault in outcome.faults):
        return  # a controller that does not know yet of an end counts wrong, and rightly so
    scenario, every = outcome.scenario, lives(outcome.history)
    bad = {
        (app, one.wish.version)
        for app, meant in scenario.meant.items()
        for one in meant
        if one.wish is not None and one.wish.program in ("unready", "missing")
    }
    for life in every:
        if not life.signals or (life.app, life.version) in bad:
            continue
        if not _is_ready(scenario, life, life.stopped):
            continue  # what does not serve goes first
        floor = _floor(scenario, life.app, life.stopped)
        serving = [
            one
            for one in every
            if one.app == life.app
            and one.is_alive(life.stopped)
            and one.stopped > life.stopped
            and _is_ready(scenario, one, life.stopped)
            and (one.app, one.version) not in bad
        ]
        if len(serving) < floor:
            yield (
                f"{life.app}/{life.instance}: stopped at {life.stopped:.3f} s, with {len(serving)} "
                f"left where {floor} have to serve"
            )


def _is_ready(scenario: Scenario, life: Life, at: float) -> bool:
    """Whether it serves then: as its probe would say or, without one, up for a while."""
    if at < life.executed:
        return False
    wishes = [one.wish for one in scenario.meant.get(life.app, ())]
    own = [wish for wish in wishes if wish is not None and wish.version == life.version]
    if any("readinessProbe" in dict(wish.fields) for wish in own):
        return any(PROGRAMS[wish.program].answers(at - life.began) for wish in own)
    return at - life.began >= _READY - 1e-3


def _floor(scenario: Scenario, app: str, at: float) -> int:
    wishes = scenario.wishes(app, at - _LATE, at)
    return min((_least(wish) for wish in wishes), default=0)


def _least(wish: Wish | None) -> int:
    steady = wish is not None and wish.program in (*STEADY, *NEVER_GOOD)
    if wish is None or wish.kind not in ("rolling", "canary") or not steady:
        return 0
    strategy = dict(wish.fields).get("strategy", {})
    return wish.wanted - int(strategy.get("maxUnavailable", wish.wanted // 4))
