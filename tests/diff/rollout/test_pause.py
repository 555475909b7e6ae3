"""`rollout pause`: the rollout stands still, what runs is kept up as it runs, scaling works."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.observed import RunState
from reconciler.model.state.plan import Health, Sync
from tests.diff.simhost import PROBE, Behaviour, SimHost, fresh
from tests.diff.strategies import edited, good, specs

WEB: dict[str, Any] = {"instances": 4, "readinessProbe": PROBE}


def _set(host: SimHost, paused: bool) -> None:
    host.memory["web"] = replace(host.memory["web"], paused=paused)


def _half_way(**changes: Any) -> tuple[SimHost, DesiredApp, DesiredApp]:
    """Two of four instances are updated, and the rollout is paused."""
    spec = WEB | {"strategy": {"maxSurge": 1, "maxUnavailable": 0}} | changes
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost()
    host.settle(old)
    while host.running() != {(n, (new if n < 2 else old).hash) for n in range(4)}:
        host.pass_once(Desired({"web": new}))
    _set(host, True)
    return host, old, new


@given(specs(), good, good, st.integers(0, 12), st.booleans())
def test_nothing_is_started_or_stopped_for_the_sake_of_the_rollout(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, passes: int, blink: bool
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    _set(host, True)
    before = {p.tag.nonce for p in host.processes() if p.state is RunState.RUNNING}
    if blink:
        host.restart_controller(blind=2)
    made = host.settle(new)
    after = {p.tag.nonce for p in host.processes()}
    assert before <= after
    numbers = {p.tag.instance for p in host.processes()}
    assert numbers == set(range(new.spec.wanted)), "what the rollout had stopped is made good"
    assert made.look_again_at is None
    _set(host, False)
    host.settle(new)
    assert host.running() == fresh(new)


def test_an_edit_while_paused_waits_for_resume_and_status_says_so() -> None:
    host, old, new = SimHost(), edited(WEB, "a"), edited(WEB, "b")
    host.settle(old)
    _set(host, True)
    made = host.run_for(10_000, new)
    assert host.running() == fresh(old)
    assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.HEALTHY)
    assert made.status.message == "rollout paused; `recon rollout resume web` continues it"
    (condition,) = [c for c in made.status.conditions if c.type == "Progressing"]
    assert (condition.status, condition.reason) == ("Unknown", "DeploymentPaused")
    assert "the rollout is paused until `recon rollout resume web`" in made.change.notes
    _set(host, False)
    host.settle(new)
    assert host.running() == fresh(new)


def test_what_crashes_comes_back_at_the_revision_it_ran() -> None:
    host, _, new = _half_way()
    before = host.running()
    for process in host.processes():
        host.kill(process)
        host.run_for(10, new)
        assert host.running() == before
    assert host.memory["web"].restarts == dict.fromkeys(range(4), 1)


def test_a_crash_loop_of_an_old_one_climbs_the_ladder() -> None:
    host, old, new = _half_way()
    host.behaviours = {"a": Behaviour(crash_after=0.5), "b": Behaviour()}
    host.kill(next(p for p in host.processes() if p.tag.hash == old.hash))
    host.started.clear()
    made = host.run_for(60, new)
    assert len(host.started) <= 8
    assert made.status.message.startswith("CrashLoopBackOff")
    assert made.status.health is Health.DEGRADED


def test_scaling_works_and_new_numbers_run_what_most_run() -> None:
    host, old, new = _half_way()
    spec = WEB | {"strategy": {"maxSurge": 1, "maxUnavailable": 0}}
    host.kill(next(p for p in host.processes() if p.tag.instance == 1))
    host.memory["web"] = replace(host.memory["web"], ended={})
    host.run_for(10, new)  # one new, three old: the old have it
    before = host.running()
    assert before == {(0, new.hash), *((n, old.hash) for n in (1, 2, 3))}
    host.run_for(10, edited(spec, "b", instances=6))
    assert host.running() == before | {(4, old.hash), (5, old.hash)}
    host.run_for(10, edited(spec, "b", instances=2))
    assert host.running() == {(0, new.hash), (1, old.hash)}


def test_no_deadline_runs_while_paused_and_it_begins_anew_after() -> None:
    spec = WEB | {"progressDeadlineSeconds": 50}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None)})
    host.settle(old)
    host.run_for(30, new)
    _set(host, True)
    host.run_for(1000, new)
    assert host.memory["web"].revisions[-1].failed is None
    _set(host, False)
    host.run_for(40, new)
    assert host.memory["web"].revisions[-1].failed is None
    host.settle(new)
    assert host.memory["web"].revisions[-1].failed


def test_an_old_one_that_dies_beside_a_new_one_that_cannot_serve_comes_back() -> None:
    spec = {"instances": 1, "readinessProbe": PROBE}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None)})
    host.settle(old)
    host.run_for(5, new)
    _set(host, True)
    host.kill(next(p for p in host.processes() if p.tag.hash == old.hash))
    host.run_for(5, new)
    assert host.running() == {(0, old.hash), (0, new.hash)}


def test_after_a_reboot_the_good_revision_runs_while_paused() -> None:
    host, old, new = SimHost(), edited(WEB, "a"), edited(WEB, "b")
    host.settle(old)
    _set(host, True)
    host.run_for(5, new)
    for process in host.processes():
        host.kill(process, heard=False)
    host.run_for(5, new)
    assert host.running() == fresh(old)


def test_suspend_ends_all_even_while_paused() -> None:
    host, _, _ = _half_way()
    suspended = edited(WEB, "b", suspend=True)
    host.settle(suspended)
    assert host.processes() == ()


def test_a_canary_is_held_too_and_goes_on_after() -> None:
    spec = WEB | {"strategy": {"canary": {"seconds": 60}}}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost()
    host.settle(old)
    host.run_for(20, new)
    _set(host, True)
    made = host.run_for(500, new)
    assert made.status.message.startswith("rollout paused")
    assert host.running() == {(0, new.hash), *((n, old.hash) for n in (1, 2, 3))}
    _set(host, False)
    host.settle(new)
    assert host.running() == fresh(new)
