"""Dependencies: order on start, and nothing but the start from nothing ever waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.dependencies import look_at
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import AppPlan, AppStatus, Health, Start
from reconciler.model.state.standing import Standing
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of

SLOW = Behaviour(ready_after=5.0)
ENDS = Behaviour(crash_after=2.0, exit=Exit(0))


def _needs(name: str, **more: Any) -> dict[str, Any]:
    return {"dependsOn": [{"app": name, **more}]}


def _standing(host: SimHost, app: DesiredApp) -> Standing:
    mine = [process for process in host.processes() if process.tag.app == app.name]
    return look_at(app, mine, host.memory.get(app.name, AppMemory()), host.now)


def _plans(host: SimHost, *apps: DesiredApp) -> dict[str, AppPlan]:
    made = host.look(Desired({app.name: app for app in apps}))
    return {app.app: app for app in made.apps}


def _pids(host: SimHost, name: str) -> set[str]:
    return {process.tag.nonce for process in host.processes() if process.tag.app == name}


# -- what the conditions mean ----------------------------------------------------------------------


def test_started_ready_and_completed_mean_what_they_say() -> None:
    host = SimHost()
    db = app_of("db", readinessProbe=PROBE, instances=2)
    assert _standing(host, db).met == frozenset()
    first = host.add(db, 0)
    assert _standing(host, db).met == frozenset()
    host.add(db, 1, ready=True, ready_at=host.now)
    assert _standing(host, db) == Standing(frozenset({DependencyCondition.STARTED}))
    host.sims[first.tag.nonce].process = replace(first, ready=True, ready_at=host.now)
    both = frozenset({DependencyCondition.STARTED, DependencyCondition.READY})
    assert _standing(host, db) == Standing(both, newest_start=host.now)
    job = app_of("job", "job", restartPolicy="Never", instances=2)
    host = SimHost({"job": ENDS})
    host.run_for(1, job)
    assert DependencyCondition.COMPLETED not in _standing(host, job).met
    host.settle(job)
    assert _standing(host, job).met == frozenset(DependencyCondition)


def test_ready_takes_one_instance_at_least_whatever_may_be_unavailable() -> None:
    db = app_of("db", strategy={"maxUnavailable": "100%"})
    host = SimHost()
    assert _standing(host, db).met == frozenset()
    host.add(db, 0)
    host.advance(2)
    assert DependencyCondition.READY in _standing(host, db).met


# -- the start from nothing waits ------------------------------------------------------------------


def test_start_waits_until_the_dependency_is_ready_and_says_so() -> None:
    host = SimHost({"db": SLOW})
    db, web = app_of("db", "db", readinessProbe=PROBE), app_of(dependsOn=["db"])
    waiting = _plans(host, db, web)["web"]
    assert waiting.actions == ()
    assert waiting.status.health is Health.PROGRESSING
    assert waiting.status.message == "waiting for db to be Ready"
    assert [row.state for row in waiting.status.instances] == ["waiting"]
    assert waiting.look_again_at is None
    assert waiting.change.notes == ("waiting for db to be Ready",)
    host.settle(db, web)
    began = {process.tag.app: process.started_at for process in host.started}
    assert began["web"] >= began["db"] + 5.0


def test_who_waits_is_never_late_for_its_deadline() -> None:
    host = SimHost({"db": Behaviour(ready_after=50.0)})
    db = app_of("db", "db", readinessProbe=PROBE)
    web = app_of(dependsOn=["db"], progressDeadlineSeconds=10)
    host.settle(db, web)
    assert host.memory["web"].revisions[-1].good
    assert not any(event.reason == "ProgressDeadlineExceeded" for event in host.events)


@pytest.mark.parametrize(
    ("db", "told"),
    [
        ({"suspend": True}, "waiting for db to be Ready, which is suspended"),
        ({"instances": 0}, "waiting for db to be Ready, which has no instances"),
        (None, "waiting for db to be Ready, which is not declared"),
    ],
)
def test_what_can_never_come_is_named(db: dict[str, Any] | None, told: str) -> None:
    apps = [app_of("db", **db)] if db is not None else []
    host, web = SimHost(), app_of(dependsOn=["db"])
    host.settle(*apps, web)
    status = _plans(host, *apps, web)["web"].status
    assert status.message == told
    assert ("DependenciesMet", "DependencyStuck") in _reasons(status)
    assert not host.running()


def test_what_is_on_its_way_is_waited_for_without_an_obstacle() -> None:
    """Also where one that is stuck is not among those that are named, it is told."""
    host, db, web = SimHost(), app_of("db"), app_of(dependsOn=["db"])
    status = _status(host, db, web)
    assert ("DependenciesMet", "DependencyPending") in _reasons(status)
    names = ["a", "b", "c"]
    many = app_of(dependsOn=[*names, "lost"])
    status = _status(host, *map(app_of, names), many)
    assert "lost" not in status.message
    assert ("DependenciesMet", "DependencyStuck") in _reasons(status)
    host.settle(db, web)
    assert "DependenciesMet" not in {kind for kind, _ in _reasons(_status(host, db, web))}


def _reasons(status: AppStatus) -> set[tuple[str, str]]:
    return {(condition.type, condition.reason) for condition in status.conditions}


def _status(host: SimHost, *apps: DesiredApp) -> AppStatus:
    return _plans(host, *apps)["web"].status


def test_completed_is_not_fulfilled_by_a_failure() -> None:
    host = SimHost({"job": Behaviour(crash_after=1.0)})
    job = app_of("job", "job", restartPolicy="Never")
    web = app_of(dependsOn=[{"app": "job", "condition": "Completed"}])
    told = "waiting for job to be Completed, which "
    host.run_for(5, job, web)
    assert _plans(host, job, web)["web"].status.message == told + "failed (exit 1)"
    host.settle(job, web)
    assert _plans(host, job, web)["web"].status.message == told + "has failed"
    assert not host.running()


def test_of_many_that_are_missing_some_are_named() -> None:
    web = app_of(dependsOn=["a", "b", "c", "d", "e"])
    others = [app_of(name) for name in "abcde"]
    message = _plans(SimHost(), *others, web)["web"].status.message
    assert message.endswith("c to be Ready; and 2 more")


def test_a_crash_restart_and_an_update_wait_for_nothing() -> None:
    for strategy in ({"type": "Recreate"}, {"maxSurge": 0, "maxUnavailable": 1}):
        host = SimHost({"b": Behaviour(ignores_stop=3.0), "a": Behaviour(ignores_stop=3.0)})
        db, web = app_of("db"), app_of(dependsOn=["db"], strategy=strategy)
        host.settle(db, web)
        down = app_of("db", suspend=True)
        before = _pids(host, "web")
        host.settle(down, web)
        assert _pids(host, "web") == before, "nothing is stopped because a dependency is missing"
        host.kill(next(p for p in host.processes() if p.tag.app == "web"))
        host.settle(down, web)
        assert host.running() == {(0, web.hash)}
        new = app_of(command="b", dependsOn=["db"], strategy=strategy)
        host.settle(down, new)
        assert host.running() == {(0, new.hash)}


def test_resumed_after_a_suspension_it_waits_again_though_it_crashed_once() -> None:
    host, db, web = SimHost(), app_of("db"), app_of(dependsOn=["db"])
    host.settle(db, web)
    host.kill(next(p for p in host.processes() if p.tag.app == "web"))
    host.settle(db, web)
    down = app_of("db", suspend=True)
    host.settle(down, app_of(dependsOn=["db"], suspend=True))
    host.settle(down, web)
    assert not host.running()
    host.settle(db, web)
    assert host.running() == {(0, web.hash)}


# -- it converges, in order ------------------------------------------------------------------------

CONDITIONS = st.sampled_from(["Started", "Ready"])


@st.composite
def graphs(draw: st.DrawFn) -> list[DesiredApp]:
    """Apps, each of which depends on some that come before it; in any order."""
    apps = []
    for number in range(draw(st.integers(1, 6))):
        chosen = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        needs = [
            {"app": f"n{one}", "condition": draw(CONDITIONS), "restart": draw(st.booleans())}
            for one in sorted(chosen)
        ]
        spec: dict[str, Any] = {"instances": draw(st.integers(1, 3)), "dependsOn": needs}
        if draw(st.booleans()):
            spec["readinessProbe"] = PROBE
        apps.append(app_of(f"n{number}", draw(st.sampled_from("ab")), **spec))
    return draw(st.permutations(apps))


@given(graphs())
def test_no_app_starts_from_nothing_before_what_it_needs_and_all_converges(
    apps: list[DesiredApp],
) -> None:
    host = SimHost({"a": Behaviour(ready_after=0.5), "b": SLOW})
    desired = Desired({app.name: app for app in apps})
    begun: set[str] = set()
    for _ in range(300):
        met = {app.name: _standing(host, app).met for app in apps}
        made, more = host.pass_once(desired)
        for app_plan in made.apps:
            app = desired.apps[app_plan.app]
            if any(isinstance(action, Start) for action in app_plan.actions):
                if app.name not in begun:
                    for need in app.spec.depends_on:
                        assert need.condition in met[need.app], f"{app.name} before {need.app}"
                begun.add(app.name)
        if not more:
            break
    else:
        raise AssertionError("not settled after 300 passes")
    for app in apps:
        assert host.running(app.name) == {(n, app.hash) for n in range(app.spec.wanted)}
    assert len(host.started) == sum(app.spec.wanted for app in apps), "each started once"


# -- restarts --------------------------------------------------------------------------------------


def test_a_restart_of_the_dependency_leaves_dependents_alone() -> None:
    host, db, web = SimHost(), app_of("db"), app_of(dependsOn=["db"])
    host.settle(db, web)
    before = _pids(host, "web")
    host.request_restart("db")
    host.settle(db, web)
    host.kill(next(p for p in host.processes() if p.tag.app == "db"))
    host.settle(db, web)
    assert _pids(host, "web") == before


@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans())
def test_with_restart_true_each_process_is_replaced_once_when_all_is_well_again(
    dbs: int, webs: int, probed: bool, away: bool
) -> None:
    host = SimHost({"db": SLOW})
    probe: dict[str, Any] = {"readinessProbe": PROBE} if probed else {}
    db = app_of("db", "db", instances=dbs, **probe)
    web = app_of(instances=webs, **_needs("db", restart=True))
    host.settle(db, web)
    before, count = _pids(host, "web"), len(host.started)
    host.request_restart("db")
    host.settle(db, web)
    if away:
        host.restart_controller()
        host.settle(db, web)
    assert not before & _pids(host, "web")
    assert len(host.started) == count + dbs + webs
    newest = max(p.started_at for p in host.processes() if p.tag.app == "db")
    assert all(p.started_at >= newest for p in host.processes() if p.tag.app == "web")


def test_asking_for_restarts_replaces_nothing_by_itself() -> None:
    host, db, web = SimHost(), app_of("db"), app_of(dependsOn=["db"])
    host.settle(db, web)
    host.request_restart("db")
    host.settle(db, web)
    before = _pids(host, "web")
    asking = app_of(**_needs("db", restart=True))
    host.settle(db, asking)
    assert _pids(host, "web") == before
    host.request_restart("db")
    host.settle(db, asking)
    assert not before & _pids(host, "web")
