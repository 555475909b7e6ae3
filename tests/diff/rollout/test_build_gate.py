"""A rollout waits for its build; what runs is not touched by it, whether it succeeds or fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.diff.as_if_running import as_observed
from reconciler.diff.plan import plan
from reconciler.model.state.desired import Desired, DesiredApp, DesiredJob, Workload
from reconciler.model.state.memory import Outcome
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import End, Health, Sync
from reconciler.model.state.revision import same_revision
from tests.diff.jobhost import FAILS, HANGS, WELL, JobHost, built_of, reasons
from tests.diff.simhost import Behaviour, fresh

BUILDER = "web:build"
BUILDS = Behaviour(crash_after=10.0, exit=Exit(0))
BROKEN = Behaviour(crash_after=5.0, exit=Exit(2))
SPEC: dict[str, Any] = {"instances": 3}


def app(inputs: str = "1", **more: Any) -> tuple[DesiredJob, DesiredApp]:
    return built_of(inputs, **(SPEC | more))


def desired(*apps: Workload) -> Desired:
    return Desired({one.name: one for one in apps})


def running() -> JobHost:
    """A host on which the app, of inputs 1, is built and runs."""
    host = JobHost({"a": Behaviour(), "make": BUILDS})
    host.settle(*app())
    assert host.running() == fresh(app()[1])
    return host


def web(host: JobHost, *apps: Workload) -> Any:
    return next(one for one in host.look(desired(*apps)).apps if one.app == "web")


def settle(host: JobHost, *apps: Workload) -> Any:
    host.settle(*apps)
    return web(host, *apps)


def builds(host: JobHost) -> int:
    return sum(process.tag.app == BUILDER for process in host.started)


# -- the ordinary ------------------------------------------------------------------------------


def test_what_is_new_is_built_once_for_all_instances_and_then_started() -> None:
    host = JobHost({"a": Behaviour(), "make": BUILDS})
    made = web(host, *app())
    assert (made.actions, made.status.health) == ((), Health.PROGRESSING)
    assert made.status.message == "building (make)"
    assert made.change.notes[-1] == "built first: make"
    made = settle(host, *app())
    assert builds(host) == 1
    assert host.running() == fresh(app()[1])
    assert (made.status.health, made.status.sync) == (Health.HEALTHY, Sync.SYNCED)
    assert [(c.status, c.reason) for c in made.status.conditions if c.type == "Built"] == [
        ("True", "BuildSucceeded")
    ]


def test_what_runs_goes_on_running_while_the_next_is_built_and_is_then_rolled_out() -> None:
    host = running()
    old = {process.tag.nonce for process in host.processes()}
    host.run_for(9, *app("2"))
    alive = {process.tag.nonce for process in host.processes() if process.tag.app == "web"}
    assert alive == old
    made = settle(host, *app("2"))
    assert host.running() == fresh(app("2")[1])
    assert made.status.revision == 2
    assert builds(host) == 2


def test_the_same_inputs_are_not_built_twice() -> None:
    host = running()
    host.settle(*app(env={"A": "1"}))
    host.settle(*app(instances=5))
    assert builds(host) == 1


def test_going_back_to_earlier_inputs_builds_them_again() -> None:
    host = running()
    for inputs in ("2", "1"):
        made = settle(host, *app(inputs))
    assert builds(host) == 3
    assert made.status.revision == 3
    assert host.running() == fresh(app()[1])


def test_another_edit_while_it_builds_ends_that_build_and_begins_the_next() -> None:
    host = running()
    host.run_for(3, *app("2"))
    made = settle(host, *app("3"))
    assert builds(host) == 3
    assert [run.outcome for run in host.memory[BUILDER].runs][-1] is Outcome.SUCCEEDED
    assert "Superseded" in reasons(host)
    assert host.running() == fresh(app("3")[1])
    assert made.status.revision == 2, "nothing ever ran what was not built"


def test_a_controller_that_is_restarted_goes_on_with_the_build_that_runs() -> None:
    host = running()
    host.run_for(3, *app("2"))
    host.restart_controller(away=2)
    settle(host, *app("2"))
    assert builds(host) == 2


@pytest.mark.parametrize("how", ["restart", "boot"])
def test_a_build_that_ended_unseen_is_made_again(how: str) -> None:
    host = running()
    host.run_for(3, *app("2"))
    host.reboot() if how == "boot" else host.restart_controller(away=60)
    made = settle(host, *app("2"))
    assert builds(host) == 3
    assert host.running() == fresh(app("2")[1])
    assert "BuildFailed" not in reasons(host)
    assert made.status.health is Health.HEALTHY


# -- a build that fails ------------------------------------------------------------------------


@pytest.mark.parametrize("how", [BROKEN, HANGS])
def test_a_build_that_fails_leaves_what_runs_as_it_is(how: Behaviour) -> None:
    host = running()
    old = {process.tag.nonce for process in host.processes()}
    host.script = {BUILDER: [how]}
    made = settle(host, *app("2"))
    assert {process.tag.nonce for process in host.processes()} == old
    assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.DEGRADED)
    assert made.status.message.startswith("its build has failed (")
    assert made.status.message.endswith(
        "running revision 1. Fix the build, then run `recon restart` to build again"
    )
    assert [*reasons(host)].count("BuildFailed") == 1
    made = settle(host, *app("3"))
    assert host.running() == fresh(app("3")[1])
    assert made.status.sync is Sync.SYNCED


def test_what_crashes_after_a_build_failed_comes_back_as_what_it_was() -> None:
    host = running()
    host.script = {BUILDER: [BROKEN]}
    host.settle(*app("2"))
    host.kill(host.processes()[0])
    made = settle(host, *app("2"))
    assert host.running() == fresh(app()[1])
    assert made.status.restarts == 1


def test_a_first_build_that_fails_starts_nothing() -> None:
    host = JobHost({"a": Behaviour(), "make": BROKEN})
    made = settle(host, *app())
    assert not host.running()
    assert made.status.health is Health.DEGRADED
    assert "no earlier revision is known to be good" in made.status.message


def test_what_has_yet_to_show_that_it_is_good_outlives_the_failed_build_of_the_next() -> None:
    host = JobHost({"a": Behaviour(ready_after=30), "make": BUILDS})
    spec: dict[str, Any] = {"readinessProbe": {"tcpSocket": {"port": 1}}}
    host.run_for(15, *app(**spec))
    old = {process.tag.nonce for process in host.processes()}
    host.script = {BUILDER: [BROKEN]}
    host.settle(*app("2", **spec))
    assert {process.tag.nonce for process in host.processes()} == old
    host.kill(host.processes()[0])
    host.settle(*app("2", **spec))
    assert host.running() == fresh(app(**spec)[1])


def test_back_to_what_runs_and_its_build_fails_and_it_runs_on() -> None:
    host = running()
    old = {process.tag.nonce for process in host.processes()}
    host.run_for(3, *app("2"))
    host.script = {BUILDER: [BROKEN]}
    host.settle(*app("1"))
    assert {process.tag.nonce for process in host.processes()} == old
    host.kill(host.processes()[0])
    host.settle(*app("1"))
    assert host.running() == fresh(app()[1])


def test_back_to_what_ran_before_and_its_build_fails_and_the_later_one_runs_on() -> None:
    host = running()
    host.settle(*app("2"))
    old = {process.tag.nonce for process in host.processes()}
    host.script = {BUILDER: [BROKEN]}
    host.settle(*app("1"))
    assert {process.tag.nonce for process in host.processes()} == old
    host.kill(host.processes()[0])
    host.settle(*app("1"))
    assert host.running() == fresh(app("2")[1])


def test_the_last_good_one_is_not_forgotten_over_edits_that_are_built_or_not() -> None:
    host = running()
    host.run_for(3, *app("2"))
    host.run_for(3, *app("1"))
    host.script = {BUILDER: [BROKEN]}
    made = settle(host, *app("3"))
    assert any(r.good and r.failed is None for r in made.memory.revisions)
    numbers = [revision.number for revision in made.memory.revisions]
    assert numbers == sorted({*numbers})
    assert host.running() == fresh(app()[1])


# -- meanwhile ---------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [HANGS, BROKEN])
@pytest.mark.parametrize("inputs", ["2", "1"])
def test_a_crash_loop_goes_on_on_its_ladder_until_the_next_is_built(
    build: Behaviour, inputs: str
) -> None:
    host = running()
    host.behaviours = {"a": Behaviour(crash_after=0.5), "make": build}
    host.run_for(3, *app("2"))
    host.settle(*app(inputs)) if build is BROKEN else host.run_for(1, *app(inputs))
    for sim in host.sims.values():
        if sim.process.tag.app == "web":
            sim.behaviour = host.behaviours["a"]
    host.started.clear()
    host.run_for(60, *app(inputs))
    tries = sum(process.tag.app == "web" for process in host.started)
    assert 3 <= tries <= 3 * 8, "at once, then 1, 2, 4, 8, 16, 32 s"


def test_scaling_works_while_it_builds() -> None:
    host = running()
    host.run_for(3, *app("2", instances=5))
    assert host.running() == {(number, app()[1].hash) for number in range(5)}
    host.run_for(3, *app("2", instances=1))
    assert host.running() == {(0, app()[1].hash)}


def test_a_number_that_is_new_while_it_builds_gets_what_the_others_run() -> None:
    host = running()
    host.settle(*app("2"))
    host.run_for(3, *app("3"))
    host.run_for(3, *app("2", instances=5))
    assert host.running() == {(number, app("2")[1].hash) for number in range(5)}


def test_a_paused_app_is_not_started_before_it_is_built() -> None:
    host = JobHost({"a": Behaviour(), "make": BUILDS})
    host.look(desired(*app()))
    host.memory["web"] = replace(host.memory["web"], paused=True)
    host.run_for(9, *app())
    assert not host.running()
    host.settle(*app())
    assert host.running() == fresh(app()[1])


def test_what_is_paused_stays_as_it_is_when_the_next_is_built() -> None:
    host = running()
    host.memory["web"] = replace(host.memory["web"], paused=True)
    made = settle(host, *app("2"))
    assert host.running() == fresh(app()[1])
    assert "rollout paused" in made.status.message
    host.memory["web"] = replace(host.memory["web"], paused=False)
    host.settle(*app("2"))
    assert host.running() == fresh(app("2")[1])


def test_a_build_that_takes_long_does_not_use_up_the_deadline_of_the_rollout() -> None:
    host = JobHost({"a": Behaviour(), "make": Behaviour(crash_after=300, exit=Exit(0))})
    made = settle(host, *app(progressDeadlineSeconds=60))
    assert made.memory.revisions[-1].failed is None
    assert host.running() == fresh(app(progressDeadlineSeconds=60)[1])


def test_a_canary_begins_when_it_is_built() -> None:
    spec: dict[str, Any] = {"strategy": {"canary": {"instances": 1, "seconds": 30}}}
    host = JobHost({"a": Behaviour(), "make": BUILDS})
    host.settle(*app(**spec))
    host.run_for(9, *app("2", **spec))
    assert host.running() == fresh(app(**spec)[1])
    host.run_for(10, *app("2", **spec))
    new = app("2", **spec)[1].hash
    assert [hash for _, hash in host.running()].count(new) == 1
    host.settle(*app("2", **spec))
    assert host.running() == fresh(app("2", **spec)[1])


def test_one_that_does_not_come_up_when_it_is_built_is_a_failed_revision_as_any() -> None:
    spec: dict[str, Any] = {
        "readinessProbe": {"tcpSocket": {"port": 1}},
        "progressDeadlineSeconds": 60,
    }
    host = JobHost({"a": Behaviour(), "b": Behaviour(ready_after=None), "make": BUILDS})
    host.settle(*app(**spec))
    made = settle(host, *app("2", command="b", **spec))
    assert host.running() == fresh(app(**spec)[1])
    assert "made no progress" in made.status.message


def test_a_directory_compared_with_itself_is_not_built() -> None:
    """`apply --dry-run --base`: what the base declares has been built."""
    both = desired(*app())
    observed, memory = as_observed(both, 1000.0)
    for made in plan(both, observed, memory, 1000.0).apps:
        assert (made.actions, made.change.action, made.change.notes) == ((), "none", ())


# -- whatever happens --------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 6)),
    st.tuples(st.just("run"), st.sampled_from([0.5, 4.0, 30.0])),
    st.tuples(st.just("inputs"), st.sampled_from("123")),
    st.tuples(st.just("env"), st.sampled_from("12")),
    st.tuples(st.just("instances"), st.integers(1, 4)),
    st.tuples(st.just("away"), st.sampled_from([0.5, 15.0])),
    st.tuples(st.just("unseen"), st.none()),
    st.tuples(st.just("boot"), st.just(60.0)),
    st.tuples(st.just("crash"), st.integers(0, 3)),
)


@settings(max_examples=150)
@example(
    [],
    [
        ("env", "1"),
        ("instances", 1),
        ("pass", 1),
        ("inputs", "2"),
        ("crash", 0),
        ("inputs", "1"),
        ("unseen", None),
    ],
)
@given(st.lists(st.sampled_from([BUILDS, BROKEN, WELL, FAILS]), max_size=6), st.lists(STEPS))
def test_nothing_is_started_that_is_not_built_and_nothing_is_stopped_by_a_build(
    script: list[Behaviour], steps: list[tuple[str, Any]]
) -> None:
    """That nothing is started that is not built the host asserts at each start."""
    host = running()
    host.script = {BUILDER: script}
    spec: dict[str, Any] = {}
    inputs, number = "1", 1
    for what, value in [*steps, ("run", 0.0)]:
        if what == "inputs":
            inputs = value
        elif what == "env":
            spec["env"] = {"A": value}
        elif what == "instances":
            spec["instances"] = value
        elif what == "crash":
            mine = [p for p in host.processes() if p.tag.app == "web"]
            if mine:
                host.kill(mine[value % len(mine)])
        host.happen(what, value)
        both = app(inputs, **spec)
        for _ in range(value if what == "pass" else 1):
            made = web(host, *both)
            before, number = number, made.memory.revisions[-1].number
            assert before <= number <= before + 1, "numbers grow by one"
            if not is_built(host, both):
                ended = [end for end in made.actions if isinstance(end, End)]
                assert {end.reason for end in ended} <= {"scaled down"}
            host.pass_once(desired(*both))
        if what == "run":
            host.run_for(value, *both)
    host.script = {}
    host.settle(*app(inputs, **spec))
    if host.memory[BUILDER].runs[-1].outcome is Outcome.FAILED:
        inputs = "fixed"
    host.settle(*app(inputs, **spec))
    assert host.running() == fresh(app(inputs, **spec)[1])


def is_built(host: JobHost, both: tuple[DesiredJob, DesiredApp]) -> bool:
    builder, _ = both
    runs = host.memory[BUILDER].runs
    mine = bool(runs) and same_revision(runs[-1].hash, builder.hash)
    return mine and runs[-1].outcome is Outcome.SUCCEEDED
