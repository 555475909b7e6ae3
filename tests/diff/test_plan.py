"""`plan`, held to its promises over generated desired and observed states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.replicas import is_available
from reconciler.diff.plan import plan
from reconciler.diff.prune import Absence, Verdict, absences
from reconciler.model.state.desired import Desired, Problem
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Observed, Process
from reconciler.model.state.plan import Health, Start, Sync
from tests.diff.simhost import (
    FIRST_ANSWER,
    PROBE,
    Behaviour,
    SimHost,
    app_of,
    ends,
    floor_of,
    fresh,
)
from tests.diff.strategies import bad, edited, good, hosts, specs

STRANGER = "0123456789ab.-"
"""The hash of a revision of which nothing is remembered."""
old_ones = st.one_of(good, st.builds(Behaviour, ready_after=st.none()))


def _one(host: SimHost, *apps: Any) -> Any:
    return host.look(Desired({app.name: app for app in apps})).apps[0]


# -- it converges ------------------------------------------------------------------------------


@given(specs(), good, old_ones, st.data())
def test_any_state_ends_like_a_fresh_start_and_the_plan_there_is_empty(
    spec: dict[str, Any], new: Behaviour, old: Behaviour, data: st.DataObject
) -> None:
    app = edited(spec, "b")
    kinds = {"b": new, app.hash: new, STRANGER: old}
    host = data.draw(hosts(app, [app.hash, STRANGER], kinds))
    made = host.settle(app)
    assert host.running() == fresh(app)
    assert made.actions == ()
    assert made.change.action == "none"
    assert made.status.sync is Sync.SYNCED
    assert made.status.health is Health.HEALTHY
    assert (made.status.message, made.status.drift) == ("", ())
    before = host.memory["web"]
    again = _one(host, app)
    assert again.memory is before
    assert again.events == ()


@given(specs(), specs(), good, good, st.integers(0, 12))
def test_a_to_b_ends_like_a_fresh_b(
    first: dict[str, Any], then: dict[str, Any], a: Behaviour, b: Behaviour, passes: int
) -> None:
    old, new = edited(first, "a"), edited(then, "b")
    host = SimHost({"a": a, "b": b}, checks=False)
    for _ in range(passes):
        host.pass_once(Desired({"web": old}))
    host.checks = True
    host.settle(new)
    assert host.running() == fresh(new)


@given(specs(rolling=True, least=1), good, good, st.integers(1, 12))
def test_back_to_a_in_the_middle_of_the_roll_keeps_the_a_that_still_run(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, passes: int
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    still = {number for number, hash in host.running() if hash == old.hash}
    nonces = {
        p.tag.nonce
        for p in host.processes()
        if (p.tag.instance, p.tag.hash) in {(number, old.hash) for number in still}
    }
    kept = {
        p.tag.nonce
        for p in host.processes()
        if p.tag.nonce in nonces and p.state.value == "running"
    }
    host.settle(old)
    assert host.running() == fresh(old)
    assert kept <= {p.tag.nonce for p in host.processes()}


@given(specs(), good, good, st.lists(st.tuples(st.integers(0, 15), st.booleans()), max_size=3))
def test_a_controller_killed_between_any_two_side_effects_changes_nothing_of_the_end(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, kills: list[tuple[int, bool]]
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    at, count = dict(kills), 0

    def between() -> bool:
        nonlocal count
        count += 1
        if count - 1 not in at:
            return False
        host.restart_controller(away=0.5, blind=2.0, forget=at[count - 1])
        return True

    host.between = between
    host.settle(new)
    assert host.running() == fresh(new)


@given(specs(rolling=True, least=1), good, good, st.integers(0, 8), st.data())
def test_exits_that_nobody_heard_of_are_made_good(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, passes: int, data: st.DataObject
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b}, checks=False)
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    for process in data.draw(
        st.lists(
            st.sampled_from(host.processes() or (None,)),
            max_size=2,
            unique_by=lambda p: p and p.tag.nonce,
        )
    ):
        if process is not None:
            host.kill(process, heard=False)
    host.settle(new)
    assert host.running() == fresh(new)


@given(specs(rolling=True, least=1), good, good, st.integers(0, 8), st.data())
def test_a_stale_plan_costs_no_more_than_what_was_lost_since_it_was_made(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, passes: int, data: st.DataObject
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    desired = Desired({"web": new})
    for _ in range(passes):
        host.pass_once(desired)
    host.checks = False
    before = host.available(new)
    stale = plan(desired, Observed(host.processes()), host.memory, host.now)
    lost = data.draw(st.integers(0, len(host.processes())))
    for process in host.processes()[:lost]:
        host.kill(process)
    host.execute(stale)
    assert host.available(new) >= min(before, floor_of(new)) - lost
    host.settle(new)
    assert host.running() == fresh(new)


# -- order -------------------------------------------------------------------------------------


@given(specs(), st.data())
def test_the_order_of_the_input_does_not_matter(spec: dict[str, Any], data: st.DataObject) -> None:
    apps = [app_of(name, "b", **spec) for name in ("web", "api")]
    processes: list[Process] = []
    for app in apps:
        host = data.draw(hosts(app, [app.hash, STRANGER], {}))
        processes += [
            replace(p, tag=p.tag._replace(nonce=app.name + p.tag.nonce)) for p in host.processes()
        ]
    one = plan(Desired({a.name: a for a in apps}), Observed(tuple(processes)), {}, 1010.0)
    shuffled = tuple(data.draw(st.permutations(processes)))
    other = plan(Desired({a.name: a for a in reversed(apps)}), Observed(shuffled), {}, 1010.0)
    assert one == other


# -- nothing is stopped without a clean reason -------------------------------------------------


@given(specs(), st.data())
def test_an_app_that_no_manifest_declares_is_stopped_by_a_verdict_only(
    spec: dict[str, Any], data: st.DataObject
) -> None:
    app = edited(spec, "b")
    host = data.draw(hosts(app, [app.hash, STRANGER], {}))
    verdict = data.draw(st.sampled_from([None, *Verdict]))
    judged = {} if verdict is None else {"web": Absence(verdict, "why")}
    ended = {end.process.tag.nonce for end in ends(host.look(Desired({}), judged))}
    alive = {p.tag.nonce for p in host.processes() if p.state.value != "stopping"}
    assert ended == (alive if verdict is Verdict.DELETE else set())


@given(st.integers(0, 5), st.booleans(), st.booleans())
def test_a_directory_that_was_not_read_completely_stops_nothing(
    scans: int, confirmed: bool, root_changed: bool
) -> None:
    host = SimHost()
    host.add(app_of(), 0)
    desired = Desired({}, complete=False)
    judged = absences(
        desired,
        {"web": "/m/web.yaml"},
        {"web": scans},
        confirmed=confirmed,
        root_changed=root_changed,
    )
    assert ends(host.look(desired, judged)) == []


@given(specs(), good, st.data())
def test_a_manifest_in_error_stops_nothing(
    spec: dict[str, Any], behaviour: Behaviour, data: st.DataObject
) -> None:
    app = edited(spec, "a")
    host = SimHost({"a": behaviour})
    host.settle(app)
    wrong = replace(app, problem=Problem("/m/web.yaml", 3, 1, "spec.x", "unknown field"))
    if data.draw(st.booleans()):
        host.restart_controller(forget=data.draw(st.booleans()))
    before = host.running()
    made = host.look(Desired({"web": wrong}))
    assert ends(made) == []
    status = made.apps[0].status
    assert status.sync is Sync.UNKNOWN
    assert "web.yaml:3:1" in status.message
    assert status.message.endswith("unknown field. Running revision 1")
    host.settle(wrong)
    assert host.running() == before


# -- a revision that fails ---------------------------------------------------------------------

failing_specs = specs(rolling=True, least=1).map(
    lambda spec: spec | {"readinessProbe": PROBE, "progressDeadlineSeconds": 60}
)


@given(failing_specs, good, bad, st.lists(st.integers(0, 40), max_size=2))
def test_a_revision_that_never_gets_ready_is_given_up_and_the_good_one_runs(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, restarts: list[int]
) -> None:
    old, new, third = (edited(spec, name) for name in "abc")
    host = SimHost({"a": a, "b": b, "c": a})
    host.settle(old)
    count = 0

    def between() -> bool:
        nonlocal count
        count += 1
        if count - 1 in restarts:
            host.restart_controller(away=1.0, blind=2.0)
            return True
        return False

    host.between = between
    host.run_for(500, new)  # the floor is checked at each stop
    made = host.settle(new)
    assert host.running() == fresh(old)
    assert made.memory.revisions[-1].failed == "revision 2 made no progress for 60 s"
    assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.DEGRADED)
    assert "running revision 1. Edit the manifest" in made.status.message
    assert [e.reason for e in host.events].count("ProgressDeadlineExceeded") == 1

    tried = len(host.started)
    host.run_for(10_000, new)
    assert len(host.started) == tried, "tried again"
    made = host.settle(third)
    assert host.running() == fresh(third)
    assert made.status.health is Health.HEALTHY


@given(failing_specs, bad)
def test_a_first_revision_that_fails_is_removed_and_the_message_says_what_to_do(
    spec: dict[str, Any], behaviour: Behaviour
) -> None:
    app = edited(spec, "a")
    host = SimHost({"a": behaviour})
    made = host.settle(app)
    assert host.running() == set()
    assert made.status.health is Health.DEGRADED
    assert made.status.message == (
        "revision 1 made no progress for 60 s; no earlier revision is known to be good. "
        "Edit the manifest, or `recon restart` to try again"
    )


def test_a_failed_revision_is_tried_again_when_its_probe_is_mended() -> None:
    spec = {"readinessProbe": PROBE, "progressDeadlineSeconds": 60}
    host = SimHost({"a": Behaviour(ready_after=None)})
    host.settle(edited(spec, "a"))
    host.behaviours = {"a": Behaviour()}
    fixed = edited(spec, "a", readinessProbe={"tcpSocket": {"port": 81}})
    made = host.settle(fixed)
    assert host.running() == fresh(fixed)
    assert (made.status.sync, made.status.revision) == (Sync.SYNCED, 1)


def test_an_outage_of_a_good_revision_is_no_failed_deploy() -> None:
    app = edited({"instances": 2, "readinessProbe": PROBE, "progressDeadlineSeconds": 60}, "a")
    host = SimHost({"a": Behaviour()})
    host.settle(app)
    host.behaviours = {"a": Behaviour(ready_after=None)}
    for process in host.processes():
        host.kill(process)
    made = host.run_for(5000, app)
    assert made.memory.revisions[-1].failed is None
    assert len(host.running()) == 2
    assert made.status.health is Health.DEGRADED


def test_losing_the_state_directory_costs_history_and_never_a_process() -> None:
    app = edited({"instances": 2, "readinessProbe": PROBE, "progressDeadlineSeconds": 60}, "a")
    host = SimHost({"a": Behaviour()})
    host.settle(app)
    pids = {p.id for p in host.processes()}
    for sim in host.sims.values():
        sim.behaviour = Behaviour(ready_after=None)  # and there is an outage just now
    host.restart_controller(forget=True)
    host.run_for(5000, app)
    assert {p.id for p in host.processes()} == pids


def test_what_ran_before_a_lost_memory_outlives_the_failure_of_the_new_revision() -> None:
    spec = {"instances": 3, "readinessProbe": PROBE, "progressDeadlineSeconds": 60}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None)})
    host.settle(old)
    host.pass_once(Desired({"web": new}))
    host.restart_controller(forget=True)
    made = host.settle(new)
    assert host.running() == fresh(old)
    assert "left 3 of an earlier revision running" in made.status.message
    assert made.status.available == 3


@pytest.mark.parametrize("min_ready", [0, 10])
def test_time_in_which_no_controller_looked_fails_no_revision(min_ready: int) -> None:
    spec = {"readinessProbe": PROBE, "progressDeadlineSeconds": 60, "minReadySeconds": min_ready}
    app = edited(spec, "a")
    host = SimHost({"a": Behaviour(ready_after=5)})
    host.pass_once(Desired({"web": app}))
    host.restart_controller(away=100_000, blind=3)
    made = host.settle(app)
    assert made.memory.revisions[-1].good
    assert len(host.started) == 1


def test_a_deadline_does_not_run_while_an_app_is_on_its_way_to_nothing() -> None:
    spec = {"readinessProbe": PROBE, "progressDeadlineSeconds": 5}
    host = SimHost({"a": Behaviour(ready_after=3, ignores_stop=60)})
    host.pass_once(Desired({"web": edited(spec, "a")}))
    made = host.settle(edited(spec, "a", suspend=True))
    assert made.memory.revisions[-1].failed is None
    assert made.status.health is Health.SUSPENDED


# -- strategies, scale, restart ----------------------------------------------------------------


@given(specs(least=1), good, good, st.integers(0, 5), st.integers(0, 12))
def test_a_change_of_scale_in_the_middle_of_a_roll_ends_at_the_new_scale(
    spec: dict[str, Any], a: Behaviour, b: Behaviour, instances: int, passes: int
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    scaled = edited(spec, "b", instances=instances)
    host.settle(scaled)
    assert host.running() == fresh(scaled)


@given(specs(), good, st.integers(0, 1))
def test_a_requested_restart_replaces_each_process_exactly_once(
    spec: dict[str, Any], behaviour: Behaviour, restarts: int
) -> None:
    app = edited(spec, "a")
    host = SimHost({"a": behaviour})
    host.settle(app)
    before = {p.id for p in host.processes()}
    host.started.clear()
    host.advance(1)
    host.request_restart()
    host.pass_once(Desired({"web": app}))
    if restarts:
        host.restart_controller()
    host.settle(app)
    assert host.running() == fresh(app)
    assert len(host.started) == app.spec.wanted
    assert not before & {p.id for p in host.processes()}


@pytest.mark.parametrize("since_the_tick", [0.0, 0.001, 0.005, 0.0099])
def test_a_process_that_is_started_in_the_tick_of_the_restart_stays(since_the_tick: float) -> None:
    """The kernel tells when a process was started in whole ticks, rounded down."""
    app, host = app_of(command="a"), SimHost()
    host.settle(app)
    host.advance(10.0)
    tick = host.now
    host.now += since_the_tick
    host.request_restart()
    for process in host.processes():
        del host.sims[process.tag.nonce]
    requested, host.now = host.now, tick
    host.add(app, 0)
    host.now = requested
    made = _one(host, app)
    assert made.actions == ()
    host.now = tick + 0.02
    host.request_restart()
    assert _one(host, app).actions


@given(specs(), good)
def test_suspend_ends_all_and_resume_brings_all_back(
    spec: dict[str, Any], behaviour: Behaviour
) -> None:
    app, suspended = edited(spec, "a"), edited(spec, "a", suspend=True)
    host = SimHost({"a": behaviour})
    host.settle(app)
    made = host.look(Desired({"web": suspended}))
    assert {end.reason for end in ends(made)} <= {"suspended"}
    status = host.settle(suspended).status
    assert host.processes() == ()
    assert (status.sync, status.health) == (Sync.SYNCED, Health.SUSPENDED)
    host.settle(app)
    assert host.running() == fresh(app)


def test_a_scale_down_waits_for_its_floor_while_what_shall_stay_is_down() -> None:
    spec: dict[str, Any] = {"instances": 3, "readinessProbe": PROBE, "strategy": {"maxSurge": 1}}
    host = SimHost({"a": Behaviour(ready_after=30)})
    host.settle(edited(spec, "a"))
    host.kill(host.processes()[0])
    scaled = edited(spec, "a", instances=1)
    host.run_for(10, scaled)
    assert host.available(scaled) == 1
    host.settle(scaled)
    assert host.running() == fresh(scaled)


def test_of_two_processes_of_one_number_the_older_stays() -> None:
    app = edited({"instances": 1}, "a")
    host = SimHost()
    older = host.add(app, 0)
    host.advance(5)
    host.add(app, 0)
    host.advance(5)
    (end,) = ends(host.look(Desired({"web": app})))
    assert end.reason == "a second process of its number"
    host.settle(app)
    assert by_id(host) == {older.id}


def by_id(host: SimHost) -> set[Any]:
    return {process.id for process in host.processes()}


def test_old_processes_of_unknown_readiness_are_left_alone_until_they_are_known() -> None:
    spec: dict[str, Any] = {
        "instances": 3,
        "readinessProbe": PROBE,
        "strategy": {"maxSurge": 0, "maxUnavailable": 1},
    }
    host = SimHost()
    host.settle(edited(spec, "a"))
    host.restart_controller(blind=5)
    new = edited(spec, "b")
    made = host.look(Desired({"web": new}))
    assert made.apps[0].actions == ()
    host.settle(new)
    assert host.running() == fresh(new)


# -- restartPolicy -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "code", "restarted"),
    [("Always", 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_restart_policy_decides_who_comes_back(policy: str, code: int, restarted: bool) -> None:
    app = edited({"restartPolicy": policy}, "a")
    host = SimHost()
    host.settle(app)
    host.kill(host.processes()[0], Exit(code))
    made = _one(host, app)
    assert bool(made.actions) is restarted
    if restarted:
        assert isinstance(made.actions[0], Start)
        assert made.actions[0].reason == f"restarted after exit {code}"
        assert made.status.restarts == 1


@pytest.mark.parametrize("code", [78, 0])
def test_an_exit_code_that_is_declared_a_success_is_one(code: int) -> None:
    app = edited({"restartPolicy": "OnFailure", "successExitCodes": [78]}, "a")
    host = SimHost({"a": Behaviour(crash_after=0.5, exit=Exit(code))})
    status = host.settle(app).status
    assert (status.sync, status.health) == (Sync.SYNCED, Health.HEALTHY)
    assert [row.state for row in status.instances] == ["completed"]
    assert len(host.started) == 1


@pytest.mark.parametrize("exit", [Exit(79), Exit(signal=9), Exit()])
def test_no_other_end_is_a_success(exit: Exit) -> None:
    app = edited({"restartPolicy": "OnFailure", "successExitCodes": [78]}, "a")
    host = SimHost()
    host.settle(app)
    host.kill(host.processes()[0], exit)
    assert [type(action) for action in _one(host, app).actions] == [Start]


def test_success_codes_that_are_declared_later_count_for_what_has_ended_for_good() -> None:
    app = edited({"restartPolicy": "Never"}, "a")
    host = SimHost({"a": Behaviour(crash_after=0.5, exit=Exit(78))})
    assert host.settle(app).status.health is Health.DEGRADED
    app = edited({"restartPolicy": "Never", "successExitCodes": [78]}, "a")
    assert host.settle(app).status.health is Health.HEALTHY


def test_a_program_that_ended_well_is_completed_and_all_is_well() -> None:
    app = edited({"restartPolicy": "OnFailure"}, "a")
    host = SimHost({"a": Behaviour(crash_after=0.5, exit=Exit(0))})
    status = host.settle(app).status
    assert (status.sync, status.health) == (Sync.SYNCED, Health.HEALTHY)
    assert [row.state for row in status.instances] == ["completed"]


def test_with_never_a_new_revision_that_ends_badly_replaces_no_good_one() -> None:
    spec = {"instances": 3, "restartPolicy": "Never", "progressDeadlineSeconds": 60}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": Behaviour(crash_after=0.2)})
    host.settle(old)
    made = host.settle(new)
    assert host.running() == fresh(old)
    assert made.memory.revisions[-1].failed


def test_with_never_an_end_that_was_bad_is_told() -> None:
    app = edited({"restartPolicy": "Never"}, "a")
    host = SimHost()
    host.settle(app)
    host.kill(host.processes()[0], Exit(signal=11))
    status = _one(host, app).status
    assert status.health is Health.DEGRADED
    assert status.message == "SIGSEGV (signal 11); restartPolicy is Never"
    assert [row.state for row in status.instances] == ["failed"]


# -- crash loops -------------------------------------------------------------------------------


def test_a_crash_loop_is_tried_on_one_instance_only_and_on_the_ladder() -> None:
    spec = {"instances": 4, "readinessProbe": PROBE, "progressDeadlineSeconds": 120}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None, crash_after=0.5)})
    host.settle(old)
    host.started.clear()
    host.run_for(60, new)
    tries = [p.started_at for p in host.started if p.tag.hash == new.hash]
    surge_and_down = 2  # 25 % of 4 either way
    assert {p.tag.instance for p in host.started} <= {*range(4)}
    assert len({p.tag.instance for p in host.started}) <= surge_and_down
    assert len(tries) <= surge_and_down * 8  # at once, then 1, 2, 4, 8, 16, 32 s
    assert host.available(new) >= 3


def test_look_again_never_lies_in_the_past() -> None:
    spec = {"readinessProbe": PROBE, "progressDeadlineSeconds": 10}
    host = SimHost({"a": Behaviour(ready_after=None)})
    app = edited(spec, "a")
    host.pass_once(Desired({"web": app}))
    for sim in host.sims.values():
        sim.answers_at = host.now + 100  # a probe with a long initial delay
    _one(host, app)
    host.advance(50)
    made = _one(host, app)
    assert made.look_again_at is None
    assert made.memory.revisions[-1].failed is None
    host.advance(100)
    assert _one(host, app).memory.revisions[-1].failed


@given(specs(), st.data())
def test_a_plan_says_itself_when_to_look_again(spec: dict[str, Any], data: st.DataObject) -> None:
    """Just before that moment, with nothing else changed, the plan's actions are the same."""
    app = edited(spec, "b")
    host = data.draw(hosts(app, [app.hash, STRANGER], {}))
    made = _one(host, app)
    later = host.now + 3600
    if made.look_again_at is not None:
        later = made.look_again_at - 1e-6
    again = plan(Desired({"web": app}), Observed(host.processes()), host.memory, later)
    assert again.apps[0].actions == made.actions


def test_a_new_process_counts_as_available_by_the_same_rule_everywhere() -> None:
    app = edited({"minReadySeconds": 5, "readinessProbe": PROBE}, "a")
    host = SimHost()
    host.pass_once(Desired({"web": app}))
    host.advance(FIRST_ANSWER + 4)
    made = _one(host, app)
    assert (made.status.ready, made.status.available) == (1, 0)
    assert made.look_again_at is not None
    host.advance(made.look_again_at - host.now)
    assert is_available(host.processes()[0], app.spec, host.now)
    assert _one(host, app).status.available == 1


def test_memory_of_other_apps_is_not_touched() -> None:
    memory = {"other": AppMemory()}
    made = plan(Desired({"web": app_of()}), Observed(), memory, 5.0)
    assert [app.app for app in made.apps] == ["web"]
