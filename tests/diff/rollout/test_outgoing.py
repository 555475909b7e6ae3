"""Old instances in a rollout: one that ends unasked comes back at its revision, at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.state.plan import Start
from tests.diff.simhost import PROBE, Behaviour, SimHost, actions, floor_of, fresh
from tests.diff.strategies import bad, edited, good, specs

WEB: dict[str, Any] = {"instances": 4, "readinessProbe": PROBE}
NEVER = Behaviour(ready_after=None)
LOOPS = Behaviour(ready_after=None, crash_after=0.5)


def _stuck(new: Behaviour = NEVER, **changes: Any) -> tuple[SimHost, DesiredApp, DesiredApp]:
    """A rollout that waits for a revision which never gets ready."""
    spec = WEB | changes
    old, edit = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": new})
    host.settle(old)
    host.run_for(30, edit)
    return host, old, edit


def _old(host: SimHost, app: DesiredApp) -> list[Process]:
    return [
        p for p in host.processes() if p.tag.hash == app.hash and p.state is not RunState.STOPPING
    ]


# -- the floor -------------------------------------------------------------------------------------


@given(specs(rolling=True, least=1), good, bad, st.data())
def test_availability_is_below_the_floor_no_longer_than_a_restart_takes(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, data: st.DataObject
) -> None:
    spec = {**spec, "readinessProbe": PROBE}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(data.draw(st.integers(1, 12))):
        host.pass_once(Desired({"web": new}))
    for _ in range(data.draw(st.integers(1, 4))):
        victims = _old(host, old)
        if not victims:
            return  # the strategy let all go
        heard = data.draw(st.booleans())
        host.kill(data.draw(st.sampled_from(victims)), heard=heard)
        if not heard:
            host.restart_controller(blind=0.5)
        restart = (a.ready_after or 0) + old.spec.min_ready + a.ignores_stop
        host.run_for(restart + 5, new)
        assert host.available(old) >= floor_of(old)


@pytest.mark.parametrize(
    "strategy",
    [
        {"maxSurge": 1, "maxUnavailable": 0},
        {"maxSurge": 0, "maxUnavailable": 1},
        {"maxSurge": 2, "maxUnavailable": 2},
        {},
    ],
)
@pytest.mark.parametrize("new", [NEVER, LOOPS])
def test_a_killed_old_instance_is_started_again_at_the_next_look(
    strategy: dict[str, Any], new: Behaviour
) -> None:
    host, old, edit = _stuck(new, strategy=strategy)
    victim = _old(host, old)[0]
    host.kill(victim)
    made = host.look(Desired({"web": edit}))
    start = next(action for action in actions(made) if isinstance(action, Start))
    assert (start.instance, start.hash) == (victim.tag.instance, old.hash)
    assert start.reason == "restarted after SIGKILL (signal 9)"
    host.execute(made)
    host.run_for(1, edit)
    assert host.available(old) >= floor_of(old)
    assert host.memory["web"].restarts[victim.tag.instance] >= 1


def test_all_old_instances_killed_at_once_come_back_to_the_floor() -> None:
    host, old, edit = _stuck()
    for process in _old(host, old):
        host.kill(process)
    host.run_for(2, edit)
    assert host.available(old) == floor_of(old) == 3


def test_one_that_failed_its_liveness_probe_comes_back() -> None:
    host, old, edit = _stuck(strategy={"maxSurge": 1, "maxUnavailable": 0})
    host.checks = False  # such a one goes whatever the strategy says
    victim = _old(host, old)[0]
    sim = host.sims[victim.tag.nonce]
    sim.process = replace(sim.process, failed="liveness probe failed: no answer")
    host.run_for(2, edit)
    assert len(_old(host, old)) == 4
    assert victim.tag.nonce not in {process.tag.nonce for process in _old(host, old)}


def test_recreate_stops_all_old_ones_so_none_comes_back() -> None:
    host, old, edit = _stuck(strategy={"type": "Recreate"})
    assert not _old(host, old)
    assert host.memory["web"].leaving == {}
    assert {hash for _, hash in host.running()} == {edit.hash}


# -- and no more than that -------------------------------------------------------------------------


def test_an_old_instance_that_the_rollout_stopped_stays_away() -> None:
    spec = WEB | {"strategy": {"maxSurge": 0, "maxUnavailable": 2}}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": NEVER})
    host.settle(old)
    host.run_for(100, new)
    assert len(_old(host, old)) == 2
    assert len(host.started) == 4 + 2


def test_one_that_crashes_again_and_again_climbs_its_own_ladder_and_not_the_new_ones() -> None:
    host, old, edit = _stuck(LOOPS, instances=1)
    host.behaviours = {"a": LOOPS, "b": LOOPS}
    host.kill(_old(host, old)[0])
    host.started.clear()
    host.run_for(60, edit)
    of_old = [p for p in host.started if p.tag.hash == old.hash]
    of_new = [p for p in host.started if p.tag.hash == edit.hash]
    assert 3 <= len(of_old) <= 9
    assert len(of_new) <= 9


def test_the_fix_of_a_crash_loop_waits_for_nothing_of_what_it_replaces() -> None:
    old, new = edited(WEB, "a"), edited(WEB, "b")
    host = SimHost({"a": Behaviour(ready_after=None, crash_after=0.5), "b": Behaviour()})
    host.run_for(30, old)
    host.started.clear()
    host.settle(new)
    assert host.running() == fresh(new)
    assert {process.tag.hash for process in host.started} == {new.hash}


def test_one_that_ended_well_and_is_not_restarted_stays_away() -> None:
    host, old, edit = _stuck(restartPolicy="OnFailure")
    host.kill(_old(host, old)[0], Exit(0))
    host.run_for(5, edit)
    assert len(_old(host, old)) == 2


def test_a_revision_that_is_not_remembered_cannot_come_back_and_its_place_is_the_new_ones() -> None:
    host, old, edit = _stuck()
    memory = host.memory["web"]
    host.memory["web"] = replace(memory, revisions=memory.revisions[-1:])
    host.kill(_old(host, old)[0])
    host.run_for(5, edit)
    assert len(_old(host, old)) == 2
    assert len(host.running()) == 5


# -- what happens meanwhile ------------------------------------------------------------------------


def test_scaling_up_in_the_middle_keeps_what_was_there() -> None:
    host, old, _ = _stuck()
    more = edited(WEB, "b", instances=6)
    host.kill(_old(host, old)[0])
    host.run_for(5, more)
    assert len(_old(host, old)) == 3


def test_scaling_down_in_the_middle_brings_nothing_back_that_is_too_much() -> None:
    host, old, _ = _stuck()
    host.kill(max(_old(host, old), key=lambda p: p.tag.instance))
    less = edited(WEB, "b", instances=2)
    host.run_for(5, less)
    assert 3 not in {number for number, _ in host.running()}
    assert host.available(less) >= floor_of(less)


def test_two_edits_in_a_row_fall_back_on_what_was_good() -> None:
    host, old, _ = _stuck()
    third = edited(WEB, "c")
    host.behaviours = {**host.behaviours, "c": NEVER}
    host.run_for(5, third)
    host.kill(_old(host, old)[0])
    host.run_for(5, third)
    assert host.available(old) >= floor_of(old)
    assert not any(hash == edited(WEB, "b").hash for _, hash in host.running())


def test_undo_in_the_middle_ends_with_the_old_one_everywhere() -> None:
    host, old, edit = _stuck()
    host.kill(_old(host, old)[0])
    host.run_for(1, edit)
    host.settle(old)
    assert host.running() == fresh(old)
    memory = host.memory["web"]
    assert (memory.leaving, memory.left) == ({}, {})


def test_a_pause_in_the_middle_brings_it_back_too() -> None:
    host, old, edit = _stuck(strategy={"maxSurge": 1, "maxUnavailable": 0})
    host.kill(_old(host, old)[0])
    host.memory["web"] = replace(host.memory["web"], paused=True)
    host.run_for(5, edit)
    assert len(_old(host, old)) == 4


def test_its_ladder_holds_on_when_the_new_revision_has_failed() -> None:
    host, old, edit = _stuck(progressDeadlineSeconds=60, instances=1)
    host.behaviours = {"a": LOOPS, "b": NEVER}
    host.kill(_old(host, old)[0])
    host.run_for(29, edit)
    failures = host.memory["web"].left[0].failures
    assert failures > 2
    host.run_for(120, edit)
    memory = host.memory["web"]
    assert memory.revisions[-1].failed
    assert memory.ended[0].hash == old.hash
    assert memory.ended[0].failures > failures


def test_what_ends_does_not_put_off_the_deadline() -> None:
    host, old, edit = _stuck(progressDeadlineSeconds=100)
    for _ in range(6):
        host.kill(_old(host, old)[0])
        host.run_for(15, edit)
    assert host.memory["web"].revisions[-1].failed


def test_a_rollout_that_succeeds_leaves_nothing_behind() -> None:
    host, old, _ = _stuck()
    new = edited(WEB, "c")
    host.kill(_old(host, old)[0])
    host.settle(new)
    assert host.running() == fresh(new)
    memory: AppMemory = host.memory["web"]
    assert (memory.leaving, memory.left) == ({}, {})
