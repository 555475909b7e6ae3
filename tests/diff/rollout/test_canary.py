"""A canary: a few instances first, the rest when they have stayed good, or back by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.replicas import available_at
from reconciler.diff.rollout import canary
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import AppPlan, Health, Sync
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of, fresh
from tests.diff.strategies import edited, good, specs

WEB: dict[str, Any] = {
    "instances": 4,
    "readinessProbe": PROBE,
    "strategy": {"canary": {"seconds": 60}},
}
shares = st.sampled_from([1, 2, "25%", "60%", 9])


@st.composite
def canary_specs(draw: st.DrawFn, least: int = 1) -> dict[str, Any]:
    spec = draw(specs(rolling=True, least=least))
    spec["strategy"]["canary"] = {
        "instances": draw(shares),
        "seconds": draw(st.sampled_from([0, 7, 60])),
    }
    return spec


def _new(host: SimHost, app: DesiredApp) -> int:
    return sum(hash == app.hash for _, hash in host.running())


def _reasons(host: SimHost) -> list[str]:
    return [event.reason for event in host.events]


def _rolled(a: Behaviour, b: Behaviour, **changes: Any) -> tuple[SimHost, DesiredApp, DesiredApp]:
    """A host on which ``a`` runs well, and ``b`` was declared but not looked at."""
    spec = WEB | changes
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    return host, old, new


# -- it holds, and goes on by itself -----------------------------------------------------------


@given(canary_specs(), good, good, st.booleans())
def test_no_more_than_the_canaries_run_the_new_revision_until_they_have_stayed_good(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, blink: bool
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    size, seconds = canary.size(new.spec), new.spec.strategy.canary.seconds  # type: ignore[union-attr]
    desired, more, count = Desired({"web": new}), True, 0
    while more:
        made, more = host.pass_once(desired)
        count += 1
        if blink and count == 3:
            host.restart_controller(away=0.5, blind=2.0)
        if made.apps[0].memory.canary:
            assert _new(host, new) <= size
            assert not made.apps[0].memory.revisions[-1].good
        # A controller that has just come back does not know yet who had been ready.
        elif _new(host, new) > size and all(p.ready is not None for p in host.processes()):
            since = sorted(
                at
                for p in host.processes()
                if p.tag.hash == new.hash and (at := available_at(p, new.spec)) is not None
            )
            assert since[size - 1] + seconds <= host.now
        assert count < 400
    assert host.running() == fresh(new)
    assert made.apps[0].status.health is Health.HEALTHY
    assert _reasons(host).count("CanaryPassed") == 1


def test_while_it_waits_the_status_counts_down_and_the_plan_says_when_to_look_again() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour())
    made = host.run_for(20, new)
    assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.PROGRESSING)
    assert made.status.message == "canary: 1 of 4 instances runs revision 2, 41 s left"
    (condition,) = [c for c in made.status.conditions if c.type == "Progressing"]
    assert (condition.status, condition.reason) == ("True", "CanaryPauseStep")
    assert condition.message == "canary: 1 of 4 instances runs revision 2"
    assert made.look_again_at is not None
    assert 40 < made.look_again_at - host.now < 41
    assert made.actions == ()
    assert "canary: 1 of 4 at first, the rest after 60 s" in made.change.notes


def test_a_canary_that_is_starting_is_told_as_such() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour(ready_after=30))
    made = host.run_for(10, new)
    assert made.status.message == "canary: 1 of 4 instances runs revision 2, not yet available"


def test_the_canarys_own_waiting_is_not_counted_against_the_deadline() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour(), progressDeadlineSeconds=10)
    host.settle(new)
    assert host.running() == fresh(new)
    assert host.memory["web"].revisions[-1].failed is None


def test_a_canary_that_never_gets_ready_is_judged_by_the_deadline() -> None:
    never = Behaviour(ready_after=None)
    host, old, new = _rolled(Behaviour(), never, progressDeadlineSeconds=100)
    made = host.settle(new)
    assert host.running() == fresh(old)
    assert made.memory.revisions[-1].failed == "revision 2 made no progress for 100 s"


def test_a_single_instance_is_its_own_canary_and_not_good_before_its_time() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour(), instances=1)
    made = host.run_for(30, new)
    assert host.running() == fresh(new)
    assert (made.status.sync, made.status.health) == (Sync.SYNCED, Health.PROGRESSING)
    assert not made.memory.revisions[-1].good
    assert host.settle(new).memory.revisions[-1].good


# -- it fails back -----------------------------------------------------------------------------


@given(
    canary_specs(),
    good,
    st.sampled_from([3.0, 6.0]),
    st.sampled_from([Exit(0), Exit(3), Exit(signal=11)]),
    st.booleans(),
)
def test_a_canary_that_was_ready_and_ends_takes_its_revision_back(
    spec: dict[str, Any], a: Behaviour, after: float, exit: Exit, probed: bool
) -> None:
    spec = {**spec, "minReadySeconds": 1, "readinessProbe": PROBE if probed else None}
    spec["strategy"]["canary"]["seconds"] = 60
    old, new, third = (edited(spec, name) for name in "abc")
    host = SimHost({"a": a, "b": Behaviour(crash_after=after, exit=exit), "c": a})
    host.settle(old)
    made = host.settle(new)
    assert host.running() == fresh(old)
    failed = made.memory.revisions[-1].failed
    assert failed is not None and failed.startswith("canary web-") and failed.endswith(f": {exit}")
    assert made.status.message == (
        f"{failed}; running revision 1. Edit the manifest, or `recon restart` to try again"
    )
    assert ("Progressing", "RolloutAborted") in [(c.type, c.reason) for c in made.status.conditions]
    assert _reasons(host).count("CanaryFailed") == 1
    tried = len(host.started)
    host.run_for(5000, new)
    assert len(host.started) == tried, "tried again"
    host.settle(third)
    assert host.running() == fresh(third)


def test_a_canary_whose_probe_fails_takes_its_revision_back() -> None:
    host, old, new = _rolled(Behaviour(), Behaviour())
    host.run_for(20, new)
    (process,) = (p for p in host.processes() if p.tag.hash == new.hash)
    sim = host.sims[process.tag.nonce]
    sim.process = replace(process, ready=False, ready_at=None)
    sim.behaviour = Behaviour(ready_after=None)
    made = host.settle(new)
    assert made.memory.revisions[-1].failed == "canary web-0 failed: it is no longer ready"
    assert host.running() == fresh(old)


def test_a_canary_that_crashes_before_it_was_ever_ready_is_tried_again_as_in_any_rollout() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour(ready_after=None, crash_after=0.5))
    made = host.run_for(30, new)
    assert made.memory.revisions[-1].failed is None
    host.behaviours = {"a": Behaviour(), "b": Behaviour()}
    host.settle(new)
    assert host.running() == fresh(new)


@pytest.mark.parametrize("again", ["restart", "edit"])
def test_what_failed_as_a_canary_is_a_canary_again_when_it_is_tried_again(again: str) -> None:
    host, _, new = _rolled(Behaviour(), Behaviour(crash_after=5))
    host.settle(new)
    host.behaviours = {"a": Behaviour(), "b": Behaviour()}
    if again == "edit":
        new = edited(WEB, "b", progressDeadlineSeconds=700)
    else:
        memory = host.memory["web"]
        retried = replace(memory.revisions[-1], failed=None)
        host.memory["web"] = replace(memory, revisions=(*memory.revisions[:-1], retried))
        host.advance(1)
        host.request_restart()
    made = host.run_for(30, new)
    assert made.status.message.startswith("canary: 1 of 4")
    host.settle(new)
    assert host.running() == fresh(new)


# -- what it is not for ------------------------------------------------------------------------


def test_a_first_deploy_has_no_canary() -> None:
    host = SimHost()
    host.run_for(5, edited(WEB, "a"))
    assert host.running() == fresh(edited(WEB, "a"))
    assert "CanaryPassed" not in _reasons(host)


def test_back_to_a_revision_that_was_good_has_no_canary() -> None:
    host, old, new = _rolled(Behaviour(), Behaviour())
    host.run_for(20, new)
    host.run_for(10, old)
    assert host.running() == fresh(old)


def test_a_requested_restart_has_no_canary() -> None:
    host, old, _ = _rolled(Behaviour(), Behaviour())
    host.started.clear()
    host.advance(1)
    host.request_restart()
    host.run_for(10, old)
    assert len(host.started) == 4


def test_where_the_good_one_does_not_serve_there_is_nothing_to_be_careful_with() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour())
    for process in host.processes():
        sim = host.sims[process.tag.nonce]
        sim.process = replace(process, ready=False, ready_at=None)
        sim.behaviour = Behaviour(ready_after=None)
    host.run_for(10, new)
    assert host.running() == fresh(new)


# -- what happens meanwhile --------------------------------------------------------------------


def test_what_crashes_of_the_good_revision_comes_back_as_the_good_revision() -> None:
    host, old, new = _rolled(Behaviour(), Behaviour())
    host.run_for(10, new)
    gone = next(p for p in host.processes() if p.tag.hash == old.hash)
    host.kill(gone)
    host.run_for(10, new)
    assert host.running() == {(0, new.hash), *((n, old.hash) for n in (1, 2, 3))}


def test_scaled_up_meanwhile_the_others_run_the_good_revision() -> None:
    host, old, new = _rolled(Behaviour(), Behaviour())
    host.run_for(10, new)
    more = edited(WEB, "b", instances=6)
    made = host.run_for(10, more)
    assert host.running() == {(0, new.hash), *((n, old.hash) for n in range(1, 6))}
    assert made.status.message.startswith("canary: 1 of 6 instances")
    host.settle(more)
    assert host.running() == fresh(more)


@given(canary_specs(), good, good, good, st.integers(1, 12))
def test_a_third_edit_takes_the_canarys_place_and_what_is_good_stays(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, c: Behaviour, passes: int
) -> None:
    old, new, third = (edited(spec, name) for name in "abc")
    host = SimHost({"a": a, "b": b, "c": c})
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    host.settle(third)
    assert host.running() == fresh(third)


def test_a_canary_that_is_taken_out_of_the_manifest_ends_at_once() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour())
    host.run_for(10, new)
    plain = edited(WEB | {"strategy": {}}, "b")
    host.run_for(10, plain)
    assert host.running() == fresh(plain)


def test_promoted_the_rollout_goes_on_at_once() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour())
    host.run_for(10, new)
    host.memory["web"] = canary.promoted(host.memory["web"])
    host.run_for(10, new)
    assert host.running() == fresh(new)


def test_a_new_controller_begins_the_wait_anew_and_does_not_skip_it() -> None:
    host, _, new = _rolled(Behaviour(), Behaviour())
    host.run_for(50, new)
    host.restart_controller(blind=1)
    made: AppPlan = host.run_for(30, new)
    assert made.status.message.startswith("canary: 1 of 4")
    host.settle(new)
    assert host.running() == fresh(new)


@pytest.mark.parametrize(
    ("instances", "wanted", "expected"),
    [(1, 4, 1), ("25%", 4, 1), ("30%", 4, 2), (9, 4, 4), (1, 1, 1), ("1%", 1, 1)],
)
def test_at_least_one_and_at_most_all_are_canaries(
    instances: int | str, wanted: int, expected: int
) -> None:
    app = app_of(instances=wanted, strategy={"canary": {"instances": instances}})
    assert canary.size(app.spec) == expected


def test_without_memory_of_a_good_one_nothing_is_on() -> None:
    spec = AppSpec.model_validate({"command": ["x"], "strategy": {"canary": {}}})
    assert not canary.is_on(spec, AppMemory())
