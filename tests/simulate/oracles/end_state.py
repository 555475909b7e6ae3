"""Once faults have stopped and time has passed, all is as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.programs import TROUBLED
from tests.simulate.run import Outcome
from tests.simulate.wishes import Scenario


def end_state_is_the_undisturbed_one(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    scenario = outcome.scenario
    for app, meant in scenario.meant.items():
        last = meant[-1].wish
        if last is not None and (last.is_job or _is_unsteady(scenario, app)):
            continue  # by chance it is just up, or just down
        is_canary = last is not None and last.kind == "canary"
        if is_canary and any(entry.app == app for entry in outcome.history.of("fault")):
            continue  # a canary that is killed has failed
        running = outcome.running.get(app, {})
        if last is not None and last.program != "late":
            wanted = {number: [last.version] for number in range(last.wanted)}
            if running != wanted:
                yield f"{app}: {running} runs in the end, and not {wanted}"
        elif running != calm.running.get(app, {}):
            yield f"{app}: {running} runs in the end, undisturbed {calm.running.get(app)}"
        stands, stood = outcome.standing.get(app), calm.standing.get(app)
        if stands != stood:
            yield f"{app}: stands as {stands} in the end, undisturbed as {stood}"


def _is_unsteady(scenario: Scenario, app: str) -> bool:
    """Whether its program, or one that it waits for, comes and goes."""
    wish = scenario.last(app) if app in scenario.meant else None
    if wish is None or wish.program in TROUBLED:
        return True
    return any(
        _is_unsteady(scenario, need["app"]) for need in dict(wish.fields).get("dependsOn", ())
    )
