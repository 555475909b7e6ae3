"""A plan that is remembered is the plan that would be made."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff import plan as module
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.memo import Memo
from reconciler.diff.plan import decide, plan, plans
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory, JournalHealth, JournalState
from reconciler.model.state.observed import Observed, Process
from reconciler.model.state.plan import AppPlan, Decision
from tests.diff.simhost import INHERITED, PROBE, Behaviour, SimHost, app_of
from tests.diff.strategies import edited, hosts, specs

STRANGER = "0123456789ab.-"
kinds = st.builds(
    Behaviour,
    ready_after=st.sampled_from([0.0, 2.0, None]),
    crash_after=st.sampled_from([None, None, 5.0]),
)


class Looks:
    """Looks at a simulated host, with a memo and without."""

    def __init__(self, host: SimHost, *apps: DesiredApp) -> None:
        self.host, self.memo = host, Memo()
        self.desired = Desired({app.name: app for app in apps})

    def both(self, later: float = 0.0, **around: Any) -> tuple[list[AppPlan], list[AppPlan]]:
        observed = Observed(self.host.processes(), inherited=INHERITED)
        observed = replace(observed, **around.pop("observed", {}))
        now = self.host.now + later
        arguments = self.desired, observed, self.host.memory, now
        kept = [*plans(*arguments, wall=self.host.wall, memo=self.memo, **around)]
        return kept, [*plan(*arguments, wall=self.host.wall, **around).apps]

    def decided(
        self, later: float = 0.0, *, whole: bool = False
    ) -> tuple[tuple[Decision, ...], tuple[Decision, ...]]:
        """What is decided with the memo, and without; ``AppPlan`` is one with more to show."""
        moment = Moment.of(
            Observed(self.host.processes(), inherited=INHERITED),
            self.host.now + later,
            {},
            loads={},
            wall=self.host.wall,
            journal=JournalState(),
        )
        arguments = self.desired, self.host.memory, moment
        known = decide(*arguments, memo=self.memo, whole=whole)
        return tuple(map(_bare, known)), tuple(map(_bare, decide(*arguments)))


def _bare(made: Decision) -> Decision:
    return Decision(*(getattr(made, field.name) for field in fields(Decision)))


@given(specs(), kinds, kinds, st.data())
def test_over_any_history_the_remembered_plans_are_those_that_would_be_made(
    spec: dict[str, Any], new: Behaviour, old: Behaviour, data: st.DataObject
) -> None:
    app = edited(spec, "b")
    host = data.draw(hosts(app, [app.hash, STRANGER], {"b": new, app.hash: new, STRANGER: old}))
    looks = Looks(host, app)
    for _ in range(25):
        host.pass_once(looks.desired, end=host.now + data.draw(st.floats(0.01, 30)))
        for later in (0.0, 0.0, data.draw(st.floats(0, 1e5))):
            kept, made = looks.both(later)
            assert kept == made
            decided, anew = looks.decided(later, whole=data.draw(st.booleans()))
            assert decided == anew
        if data.draw(st.booleans()) and host.processes():
            host.kill(host.processes()[0])


def _rested(host: SimHost, *apps: DesiredApp) -> Looks:
    host.settle(*apps)
    host.advance(100)
    looks = Looks(host, *apps)
    looks.both()
    assert len(looks.memo) == len(apps), "all are remembered"
    return looks


def _plans_made(looks: Looks, **around: Any) -> int:
    """How many plans a look makes, and does not remember."""
    count = 0

    def counted(at: AppSituation) -> AppPlan:
        nonlocal count
        count += 1
        return made(at)

    made, module._plan_app = module._plan_app, counted
    try:
        observed = Observed(looks.host.processes(), inherited=INHERITED)
        observed = replace(observed, **around.pop("observed", {}))
        desired, memory = looks.desired, looks.host.memory
        [*plans(desired, observed, memory, looks.host.now, memo=looks.memo, **around)]
    finally:
        module._plan_app = made
    return count


def test_a_second_look_makes_no_plan_of_what_is_at_rest() -> None:
    looks = _rested(SimHost(), *(app_of(f"app-{number}") for number in range(5)))
    assert _plans_made(looks) == 0


def test_one_change_makes_one_plan() -> None:
    host, apps = SimHost(), [app_of(f"app-{number}") for number in range(5)]
    looks = _rested(host, *apps)
    host.kill(next(process for process in host.processes() if process.tag.app == "app-3"))
    assert _plans_made(looks) == 1
    looks.desired = Desired({**looks.desired.apps, "app-1": app_of("app-1", command="other")})
    assert _plans_made(looks) == 2


def test_what_concerns_all_is_seen_of_all() -> None:
    looks = _rested(SimHost(), app_of("a"), app_of("b"))
    broken = JournalState(JournalHealth.UNWRITABLE, "no room")
    assert _plans_made(looks, journal=broken) == 2
    assert _plans_made(looks, observed={"faults": ("pid 7 is a puzzle",)}) == 2
    assert _plans_made(looks, observed={"conflicts": {"a": "pid 9 has it"}}) >= 1
    assert _plans_made(looks, observed={"inherited": {"nice": 5}}) >= 1


def test_what_has_anything_to_say_is_not_remembered() -> None:
    app = app_of(readinessProbe=PROBE)
    host = SimHost({"a": Behaviour(ready_after=None)})
    looks = Looks(host, app)
    for _ in range(20):
        host.pass_once(looks.desired)
        looks.both()
    assert len(looks.memo) == 0


def test_what_depends_on_another_is_not_remembered() -> None:
    db, web = app_of("db"), app_of("web", dependsOn=["db"])
    host = SimHost()
    host.settle(db, web)
    host.advance(100)
    looks = Looks(host, db, web)
    looks.both()
    assert len(looks.memo) == 1
    looks.memo.clear()
    assert len(looks.memo) == 0


def test_an_equal_memory_that_is_another_is_looked_at() -> None:
    """Identity is cheap, and safe: the worst is a plan too many."""
    looks = _rested(SimHost(), app_of())
    memory: AppMemory = looks.host.memory["web"]
    looks.host.memory["web"] = replace(memory)
    assert _plans_made(looks) == 1


def test_processes_are_compared_by_what_is_known_of_them() -> None:
    looks = _rested(SimHost(), app_of())
    sim = next(iter(looks.host.sims.values()))
    changed: Process = replace(sim.process, status="busy")
    sim.process = changed
    assert _plans_made(looks) == 1
