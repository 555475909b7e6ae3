"""An instance that outgrows `limits.memory` is replaced by the strategy, and never without end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.plan import plan
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.observed import DriftKind, Observed, RunState
from reconciler.model.state.plan import End, Health, Start, Sync
from tests.diff.simhost import TOO_MUCH, Behaviour, SimHost, app_of, floor_of, fresh
from tests.diff.strategies import good, specs

LIMITED: dict[str, Any] = {"limits": {"memory": "300Mi"}}
LEAKS = Behaviour(outgrows_after=30.0)
BLOATED = Behaviour(outgrows_after=0.5)
ONE_UP: dict[str, Any] = {"strategy": {"maxSurge": 1, "maxUnavailable": 0}}
ONE_DOWN: dict[str, Any] = {"strategy": {"maxSurge": 0, "maxUnavailable": 1}}
RECREATE: dict[str, Any] = {"strategy": {"type": "Recreate"}}


def _up(behaviour: Behaviour, **spec: Any) -> tuple[SimHost, DesiredApp]:
    """An app that is up, and whose processes behave so."""
    app = app_of("web", "a", **(LIMITED | spec))
    host = SimHost({"a": behaviour})
    for number in range(app.spec.wanted):
        host.add(app, number)
    host.run_for(5.0 if behaviour is LEAKS else 0.0, app)
    return host, app


def _swell(host: SimHost, app: DesiredApp, *numbers: int) -> None:
    """These instances outgrow their limit now; what comes after them does not."""
    for sim in host.sims.values():
        if sim.process.tag.instance in numbers:
            sim.process = replace(sim.process, outgrown=TOO_MUCH)


def _told(host: SimHost) -> list[str]:
    return [event.message for event in host.events if event.reason == "MemoryLimitExceeded"]


def _made(host: SimHost, app: DesiredApp) -> Any:
    return host.look(Desired({"web": app})).apps[0]


# -- by the strategy ---------------------------------------------------------------------------


def test_with_a_surge_the_successor_is_available_before_the_stop() -> None:
    host, app = _up(Behaviour(), **ONE_UP, minReadySeconds=2)
    host.run_for(5, app)
    _swell(host, app, 0)
    made = _made(host, app)
    assert [type(action) for action in made.actions] == [Start]
    host.execute(plan_of(host, app))
    host.advance(1.9)
    assert _made(host, app).actions == ()
    host.advance(0.2)
    (action,) = _made(host, app).actions
    assert isinstance(action, End) and action.reason == f"it {TOO_MUCH}"
    host.settle(app)
    assert len(host.started) == 1 and host.running() == fresh(app)


@pytest.mark.parametrize("strategy", [ONE_DOWN, RECREATE])
def test_without_a_surge_the_stop_comes_first(strategy: dict[str, Any]) -> None:
    host, app = _up(Behaviour(ignores_stop=3.0), instances=2, **strategy)
    host.run_for(5, app)
    _swell(host, app, 1)
    (action,) = _made(host, app).actions
    assert isinstance(action, End) and action.process.tag.instance == 1
    host.settle(app)
    assert [process.tag.instance for process in host.started] == [1]


def test_recreate_restarts_what_crashed_meanwhile_at_once() -> None:
    host, app = _up(Behaviour(ignores_stop=30.0), instances=2, **RECREATE)
    host.run_for(5, app)
    _swell(host, app, 1)
    host.pass_once(Desired({"web": app}))
    host.kill(next(p for p in host.processes() if p.tag.instance == 0))
    host.pass_once(Desired({"web": app}))
    assert [process.tag.instance for process in host.started] == [0]


@given(specs(rolling=True, least=1), good)
def test_when_all_outgrow_together_availability_stays_above_the_floor(
    spec: dict[str, Any], behaviour: Behaviour
) -> None:
    host, app = _up(behaviour, **spec)
    host.settle(app)
    _swell(host, app, *range(app.spec.wanted))
    first = host.now
    for _ in range(200):
        _, more = host.pass_once(Desired({"web": app}))
        assert host.available(app) >= floor_of(app)
        if not more:
            break
    assert host.running() == fresh(app)
    assert all(process.started_at >= first for process in host.processes())
    assert len(host.started) == app.spec.wanted


@given(specs(), good, st.sets(st.integers(0, 4)), st.booleans())
def test_it_ends_where_a_fresh_start_ends_and_is_told_once_each(
    spec: dict[str, Any], behaviour: Behaviour, numbers: set[int], restarted: bool
) -> None:
    host, app = _up(behaviour, **spec)
    host.settle(app)
    over = numbers & set(range(app.spec.wanted))
    _swell(host, app, *numbers)
    if restarted:
        host.look(Desired({"web": app}))
        host.restart_controller(blind=0.5)
    made = host.settle(app)
    assert host.running() == fresh(app)
    assert (made.status.sync, made.status.health) == (Sync.SYNCED, Health.HEALTHY)
    assert made.status.drift == () and made.change.action == "none"
    assert len(_told(host)) == len(over) == len(host.started)


# -- never without end -------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [ONE_UP, ONE_DOWN, RECREATE])
def test_one_that_outgrows_after_each_start_climbs_the_ladder(strategy: dict[str, Any]) -> None:
    host, app = _up(BLOATED, **strategy)
    host.run_for(600, app)
    starts = [process.started_at for process in host.started]
    gaps = [later - sooner for sooner, later in itertools.pairwise(starts)]
    # 1 s × 2 to 60 s, ±20 %: from start to start.
    assert len(starts) <= 18
    assert all(gap >= 0.8 * min(60, 2**n) for n, gap in enumerate(gaps[:8]))
    assert all(48 <= gap <= 64 for gap in gaps[8:])


def test_the_ladder_survives_a_restart_of_the_controller_and_an_edit_clears_it() -> None:
    host, app = _up(BLOATED)
    host.run_for(120, app)
    times = host.memory["web"].evictions[0].times
    assert times > 4
    host.restart_controller(away=3.0)
    host.run_for(120, app)
    assert host.memory["web"].evictions[0].times > times
    edited = app_of("web", "a", **LIMITED, env={"V": "2"})
    before = len(_told(host))
    host.run_for(3.0, edited)
    assert host.memory["web"].evictions[0].times <= 3
    assert "in a row" not in _told(host)[before]


def test_what_stayed_below_for_long_is_replaced_at_once_when_it_outgrows_at_last() -> None:
    host, app = _up(LEAKS)
    host.run_for(200, app)
    assert host.memory["web"].evictions[0].times > 3
    waits = [e.replace_at - e.at for e in host.memory["web"].evictions.values()]
    # A leak that takes 30 s has waited 30 s of its 60: never more than the rest is added.
    assert max(waits) <= 34


def test_it_is_told_in_status_while_it_waits_and_while_it_may_come_again() -> None:
    host, app = _up(BLOATED)
    made = host.run_for(20, app)
    for _ in range(100):
        if any(p.outgrown for p in host.processes()) and not made.actions:
            break
        made = host.run_for(0.5, app)
    assert "times in a row; replaced in" in made.status.message
    assert (made.status.sync, made.status.updated) == (Sync.SYNCED, 1)
    assert [drift.kind for drift in made.status.drift] == [DriftKind.OUTGROWN]
    host.behaviours = {"a": Behaviour()}
    made = host.run_for(70, app)
    assert "times in a row, last" in made.status.message
    assert made.status.health is Health.HEALTHY and made.status.drift == ()


# -- beside other things -----------------------------------------------------------------------


def test_a_raised_limit_clears_the_mark_and_nothing_is_replaced() -> None:
    host, app = _up(BLOATED, **ONE_UP)
    host.run_for(20, app)
    raised = app_of("web", "a", **ONE_UP)
    made = host.settle(raised)
    assert len(host.running()) == 1 and (made.status.drift, made.status.message) == ((), "")
    before = len(host.started)
    host.run_for(300, raised)
    assert len(host.started) == before


def test_a_changed_limit_begins_a_new_ladder() -> None:
    host, app = _up(BLOATED)
    host.run_for(200, app)
    assert host.memory["web"].evictions[0].times > 5
    lowered = app_of("web", "a", limits={"memory": "200Mi"})
    host.run_for(2, lowered)
    assert host.memory["web"].evictions[0].times <= 3


def test_a_pause_holds_no_eviction_and_the_successor_is_what_ran() -> None:
    old = app_of("web", "a", **LIMITED, instances=2)
    new = app_of("web", "b", **LIMITED, instances=2)
    host = SimHost()
    host.settle(old)
    host.memory["web"] = replace(host.memory["web"], paused=True)
    host.look(Desired({"web": new}))
    _swell(host, new, 0, 1)
    first = {process.tag.nonce for process in host.processes()}
    host.settle(new)
    assert host.running() == fresh(old)
    assert not first & {process.tag.nonce for process in host.processes()}


def test_a_canary_and_those_that_wait_for_it_are_replaced_by_what_they_were() -> None:
    canary: dict[str, Any] = {"maxSurge": 1, "maxUnavailable": 0, "canary": {"seconds": 500}}
    strategy: dict[str, Any] = {"strategy": canary}
    old = app_of("web", "a", **LIMITED, **strategy, instances=3)
    new = app_of("web", "b", **LIMITED, **strategy, instances=3)
    host = SimHost()
    host.settle(old)
    host.run_for(60, new)
    ran = host.running()
    assert {hash for _, hash in ran} == {old.hash, new.hash}
    _swell(host, new, 0, 1, 2)
    before = len(host.started)
    host.run_for(60, new)
    assert host.running() == ran
    assert len(host.started) == before + 3
    host.settle(new)
    assert host.running() == fresh(new)


@given(specs(), good, good, st.integers(0, 10), st.data())
def test_in_the_middle_of_a_rollout_the_new_revision_is_the_successor(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, passes: int, data: st.DataObject
) -> None:
    old, new = app_of("web", "a", **LIMITED, **spec), app_of("web", "b", **LIMITED, **spec)
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    _swell(host, new, *data.draw(st.sets(st.integers(0, 4))))
    host.settle(new)
    assert host.running() == fresh(new)


def test_of_a_rollout_the_one_that_outgrew_goes_first() -> None:
    old = app_of("web", "a", **LIMITED, **ONE_UP, instances=4)
    new = app_of("web", "b", **LIMITED, **ONE_UP, instances=4)
    host = SimHost()
    host.settle(old)
    _swell(host, new, 3)
    ended = []
    for _ in range(30):
        made, _ = host.pass_once(Desired({"web": new}))
        ended += [a.process.tag.instance for a in made.apps[0].actions if isinstance(a, End)]
        if ended:
            break
    assert ended == [3]


def test_with_restart_policy_never_it_is_told_and_left_alone() -> None:
    host, app = _up(Behaviour(), restartPolicy="Never")
    _swell(host, app, 0)
    made = host.settle(app)
    assert host.started == [] and len(_told(host)) == 1
    assert "restartPolicy is Never" in made.status.message


def test_what_is_suspended_or_scaled_away_gets_no_successor() -> None:
    host, app = _up(Behaviour(), instances=2, **ONE_UP)
    _swell(host, app, 0, 1)
    host.settle(app_of("web", "a", **LIMITED, **ONE_UP, instances=2, suspend=True))
    assert host.started == [] and host.running() == set()


def test_a_crash_of_one_that_waits_is_a_crash() -> None:
    host, app = _up(Behaviour(), **ONE_DOWN)
    _swell(host, app, 0)
    host.kill(next(iter(host.processes())))
    host.settle(app)
    assert host.memory["web"].ended[0].failures == 1 and host.running() == fresh(app)


@given(
    specs(),
    st.builds(
        Behaviour,
        ready_after=st.sampled_from([0.0, 0.5, None]),
        outgrows_after=st.sampled_from([0.0, 0.3, 5.0]),
        crash_after=st.sampled_from([None, None, 1.0]),
        ignores_stop=st.sampled_from([0.0, 3.0]),
    ),
    st.lists(st.sampled_from(["look", "restart", "pause", "resume", "scale"]), max_size=5),
)
def test_whatever_happens_the_starts_of_a_number_keep_their_distance(
    spec: dict[str, Any], behaviour: Behaviour, doings: list[str]
) -> None:
    """The checks of the simulated host hold, and no number is started more than the ladder says."""
    host = SimHost({"a": behaviour})
    app = app_of("web", "a", **LIMITED, **spec)
    for doing in [*doings, "look"]:
        if doing == "restart":
            host.restart_controller(away=1.0)
        elif doing in ("pause", "resume") and "web" in host.memory:
            host.memory["web"] = replace(host.memory["web"], paused=doing == "pause")
        elif doing == "scale":
            app = app_of("web", "a", **LIMITED, **(spec | {"instances": 1}))
        host.run_for(100, app)
    seconds = 100 * (len(doings) + 1)
    for number in range(5):
        count = sum(process.tag.instance == number for process in host.started)
        assert count <= 2 * (12 + seconds / 48)


@given(specs(), good, st.data())
def test_the_plan_does_not_depend_on_the_order_of_the_processes(
    spec: dict[str, Any], behaviour: Behaviour, data: st.DataObject
) -> None:
    host, app = _up(behaviour, **spec)
    for number in range(min(2, app.spec.wanted)):
        host.add(app, number)
    _swell(host, app, 0, 1, 2)
    shuffled = data.draw(st.permutations(host.processes()))
    made = plan(Desired({"web": app}), Observed(tuple(shuffled)), host.memory, host.now)
    same = plan(Desired({"web": app}), Observed(host.processes()), host.memory, host.now)
    assert made.apps[0].actions == same.apps[0].actions
    assert made.apps[0].memory == same.apps[0].memory


def plan_of(host: SimHost, app: DesiredApp) -> Any:
    return host.look(Desired({"web": app}))


def test_one_that_is_on_its_way_out_is_not_noted() -> None:
    host, app = _up(Behaviour())
    (sim,) = host.sims.values()
    leaving = {"state": RunState.STOPPING, "stopping_at": host.now, "outgrown": TOO_MUCH}
    sim.process = replace(sim.process, **leaving)  # type: ignore[arg-type]
    host.look(Desired({"web": app}))
    assert _told(host) == []
