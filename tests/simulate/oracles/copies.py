"""Never two of one number, and never more than the surge allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from tests.simulate.lives import Life, lives
from tests.simulate.run import Outcome
from tests.simulate.wishes import Wish


def one_of_each_number(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    scenario, every = outcome.scenario, lives(outcome.history)
    for app in scenario.meant:
        of_app = [life for life in every if life.app == app]
        for first, second in combinations(of_app, 2):
            if None in scenario.wishes(app, first.began - 1, second.began):
                continue  # a half written manifest may say anything
            if _are_two(scenario.meant[app][0].wish, first, second):
                yield (
                    f"{app}/{second.instance}: {second.nonce} began at {second.began:.3f} s beside "
                    f"{first.nonce}"
                )
        for life in of_app:
            alive = [one for one in of_app if one.is_alive(life.began)]
            since = min(one.began for one in alive)
            wishes = scenario.wishes(app, since - 1, life.began)
            if not wishes or any(wish is None or wish.is_job for wish in wishes):
                continue
            most = max(wish.instances + _surge(wish) for wish in wishes if wish)
            if len(alive) > most:
                yield f"{app}: {len(alive)} at once at {life.began:.3f} s, at most {most}"


def _are_two(wish: Wish | None, first: Life, second: Life) -> bool:
    """Whether ``second`` began while ``first`` should have been the only one."""
    if not first.is_alive(second.began):
        return False
    if wish is not None and wish.kind == "recreate" and first.version != second.version:
        return True
    same = first.instance == second.instance and first.hash == second.hash
    return same and first.stopped > second.began


def _surge(wish: Wish) -> int:
    strategy = dict(wish.fields).get("strategy", {})
    return int(strategy.get("maxSurge", 1)) if strategy.get("type") != "Recreate" else 0
