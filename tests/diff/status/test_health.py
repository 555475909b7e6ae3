"""Sync, health, conditions and the one message: design.md's samples, Kubernetes' reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.model.state.desired import Desired, DesiredApp, Problem
from reconciler.model.state.observed import Exit, RunState
from reconciler.model.state.plan import AppStatus, Health, Sync
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of


def _status(host: SimHost, app: DesiredApp) -> AppStatus:
    return host.look(Desired({app.name: app})).apps[0].status


def _reasons(status: AppStatus) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in status.conditions}


def test_all_is_well() -> None:
    host = SimHost()
    status = host.settle(app_of(instances=2)).status
    assert (status.sync, status.health, status.message) == (Sync.SYNCED, Health.HEALTHY, "")
    assert _reasons(status) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }


def test_in_the_middle_of_a_roll() -> None:
    spec: dict[str, Any] = {"instances": 2, "readinessProbe": PROBE}
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=50)})
    host.settle(app_of(command="a", **spec))
    new = app_of(command="b", **spec)
    host.run_for(1, new)
    status = _status(host, new)
    assert (status.sync, status.health) == (Sync.OUT_OF_SYNC, Health.PROGRESSING)
    assert status.message == "1 of 2 instances updated"
    assert [(d.kind.value, d.instance, d.detail) for d in status.drift if d.kind == "Outdated"] == [
        ("Outdated", "web-0", "command"),
        ("Outdated", "web-1", "command"),
    ]
    assert _reasons(status)["Progressing"] == ("True", "ReplicaSetUpdated")


def test_a_crash_loop_says_when_the_next_try_is() -> None:
    host, app = SimHost(), app_of(progressDeadlineSeconds=10_000)
    host.settle(app)
    host.behaviours = {"a": Behaviour(crash_after=0.5)}
    host.kill(host.processes()[0], Exit(1))
    host.run_for(20, app)
    status = _status(host, app)
    assert (status.sync, status.health) == (Sync.SYNCED, Health.DEGRADED)
    assert status.message.startswith("CrashLoopBackOff: exit 1, next try in ")
    assert _reasons(status)["Available"] == ("False", "MinimumReplicasUnavailable")
    (row,) = status.instances
    assert (row.state, row.exit, row.process) == ("backoff", "exit 1", None)


def test_a_failed_revision_has_kubernetes_reason() -> None:
    app = app_of(readinessProbe=PROBE, progressDeadlineSeconds=10)
    status = SimHost({"a": Behaviour(ready_after=None)}).settle(app).status
    assert _reasons(status) == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("False", "ProgressDeadlineExceeded"),
    }


def test_a_frozen_process_is_named_with_the_way_out() -> None:
    host, app = SimHost(), app_of()
    host.settle(app)
    (sim,) = host.sims.values()
    sim.process = replace(sim.process, state=RunState.FROZEN)
    status = _status(host, app)
    assert status.health is Health.DEGRADED
    assert status.message == "stopped by a signal (frozen): web-0"
    pid = sim.process.id.pid
    assert status.drift[0].detail == f"pid {pid} is stopped; kill -CONT {pid} resumes it"


def test_a_process_that_was_ready_and_is_not_is_degraded_and_a_starting_one_is_progressing() -> (
    None
):
    host, app = SimHost({"a": Behaviour(ready_after=30)}), app_of(readinessProbe=PROBE)
    host.run_for(1, app)
    assert _status(host, app).health is Health.PROGRESSING
    host.settle(app)
    (sim,) = host.sims.values()
    sim.process = replace(sim.process, ready=False, ready_at=None)
    status = _status(host, app)
    assert (status.health, status.message) == (Health.DEGRADED, "not ready: web-0")
    host.kill(sim.process)
    host.run_for(1, app)
    assert _status(host, app).health is Health.PROGRESSING


def test_a_process_of_a_good_revision_cannot_be_starting_for_ever() -> None:
    host, app = SimHost(), app_of(readinessProbe=PROBE, progressDeadlineSeconds=60)
    host.settle(app)
    host.behaviours = {"a": Behaviour(ready_after=None)}
    host.kill(host.processes()[0])
    host.run_for(61, app)
    assert _status(host, app).health is Health.DEGRADED


def test_a_file_in_error_makes_sync_unknown_and_says_nothing_of_health() -> None:
    host = SimHost()
    host.settle(app_of())
    wrong = replace(app_of(), problem=Problem("/m/web.yaml", 12, 7, "spec.x", "unknown field"))
    status = _status(host, wrong)
    assert (status.sync, status.health) == (Sync.UNKNOWN, Health.HEALTHY)
    assert status.message == "web.yaml:12:7: spec.x: unknown field. Running revision 1"
    host.kill(host.processes()[0])
    assert _status(host, wrong).message.endswith("No instance of revision 1 runs")


def test_nothing_there_yet_is_missing() -> None:
    status = _status(SimHost(), app_of())
    assert (status.sync, status.health) == (Sync.OUT_OF_SYNC, Health.MISSING)
    assert [d.kind.value for d in status.drift] == ["Missing"]


def test_an_app_that_has_run_to_its_end_says_so() -> None:
    host, app = SimHost(), app_of(restartPolicy="Never")
    host.settle(app)
    host.kill(host.processes()[0], Exit(code=0))
    status = _status(host, app)
    assert (status.sync, status.health, status.ready) == (Sync.SYNCED, Health.HEALTHY, 0)
    assert status.message == "exit 0; restartPolicy is Never"
