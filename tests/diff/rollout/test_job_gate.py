"""An update waits until the Job that it depends on by Completed has done what it declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff.rollout.job_gate import SETTLE
from reconciler.model.state.desired import Desired, DesiredApp, DesiredJob, Workload
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import AppPlan, Health, Sync
from tests.diff.jobhost import FAILS, WELL, JobHost, job_of
from tests.diff.simhost import PROBE, Behaviour, app_of

SLOW = Behaviour(crash_after=30.0, exit=Exit(0))
NEEDS = {"dependsOn": [{"app": "migrate", "condition": "Completed"}]}


def _web(command: str, **more: Any) -> DesiredApp:
    return app_of("web", command, **{"instances": 2, "readinessProbe": PROBE, **NEEDS, **more})


def _migrate(command: str, **more: Any) -> DesiredJob:
    return job_of("migrate", command, backoffLimit=0, **more)


def _up(strategy: dict[str, Any] | None = None) -> tuple[JobHost, dict[str, Any]]:
    """Version 1 of both is done."""
    host = JobHost({"m1": WELL, "m2": SLOW, "bad": FAILS})
    more = {"strategy": strategy} if strategy else {}
    host.settle_all(_migrate("m1"), _web("v1", **more))
    return host, more


def _hashes(host: JobHost) -> set[str]:
    return {hash for _, hash in host.running("web")}


def _plan(host: JobHost, *apps: Workload) -> AppPlan:
    made = host.look(Desired({app.name: app for app in apps}))
    return next(app for app in made.apps if app.app == "web")


@pytest.mark.parametrize("strategy", [None, {"type": "Recreate"}, {"canary": {"seconds": 1}}])
@pytest.mark.parametrize("app_first", [True, False])
def test_both_in_one_commit_go_in_order_whichever_is_seen_first(
    strategy: dict[str, Any] | None, app_first: bool
) -> None:
    host, more = _up(strategy)
    old, new = _web("v1", **more), _web("v2", **more)
    first = (_migrate("m1"), new) if app_first else (_migrate("m2"), old)
    host.run_for(SETTLE / 2, *first)
    both = (_migrate("m2"), new)
    host.run_for(20, *both)
    assert _hashes(host) == {old.hash}
    made = _plan(host, *both)
    assert made.status.message == "update waiting for migrate to be Completed"
    assert "waiting for migrate to be Completed" in made.change.notes
    assert made.status.sync is Sync.OUT_OF_SYNC
    host.settle_all(*both)
    assert _hashes(host) == {new.hash}
    assert host.memory["web"].awaiting == 0


@pytest.mark.parametrize("strategy", [None, {"type": "Recreate"}])
def test_a_failed_migration_holds_the_update_and_the_old_one_serves_on(
    strategy: dict[str, Any] | None,
) -> None:
    host, more = _up(strategy)
    old, both = _web("v1", **more), (_migrate("bad"), _web("v2", **more))
    host.run_for(5000, *both)
    assert _hashes(host) == {old.hash} and host.available(old) == 2
    made = _plan(host, *both)
    assert "migrate to be Completed, which has failed (exit 1)" in made.status.message
    assert not host.memory["web"].revisions[-1].failed, "no deadline runs meanwhile"
    # Edited again, it goes on.
    fixed = (_migrate("m2"), _web("v2", **more))
    host.settle_all(*fixed)
    assert _hashes(host) == {fixed[1].hash}


def test_a_crash_of_an_old_instance_is_repaired_meanwhile() -> None:
    host, _ = _up()
    old, both = _web("v1"), (_migrate("bad"), _web("v2"))
    host.run_for(100, *both)
    for process in host.processes():
        host.kill(process)
        host.run_for(5, *both)
    assert host.running("web") == {(0, old.hash), (1, old.hash)}
    for process in host.processes():
        host.kill(process, heard=False)
    host.run_for(5, *both)
    assert host.running("web") == {(0, old.hash), (1, old.hash)}


def test_after_a_boot_the_old_one_serves_while_the_migration_has_failed() -> None:
    host, _ = _up()
    old, both = _web("v1"), (_migrate("bad"), _web("v2"))
    host.run_for(100, *both)
    host.end_unseen()
    memory = host.memory["web"]
    host.memory["web"] = replace(memory, begun=False, ended={}, leaving={}, left={})
    host.run_for(5, *both)
    assert host.running("web") == {(0, old.hash), (1, old.hash)}


def test_scaling_works_meanwhile() -> None:
    host, _ = _up()
    old = _web("v1")
    host.run_for(10, _migrate("bad"), _web("v2"))
    host.run_for(10, _migrate("bad"), _web("v2", instances=3))
    assert host.running("web") == {(number, old.hash) for number in range(3)}


@pytest.mark.parametrize(
    "jobs",
    [
        [_migrate("m1")],
        [],
        [_migrate("m1", schedule="0 3 * * *")],
    ],
)
def test_an_unchanged_job_a_removed_one_and_one_by_the_clock_hold_nothing(
    jobs: list[DesiredApp],
) -> None:
    host, _ = _up()
    new = _web("v2") if jobs else _web("v2", dependsOn=[])
    host.run_for(SETTLE + 10, *jobs, new)
    assert _hashes(host) == {new.hash}


def test_an_edit_of_the_job_alone_holds_nothing_and_says_nothing() -> None:
    host, _ = _up()
    apps = (_migrate("bad"), _web("v1"))
    host.run_for(100, *apps)
    status = _plan(host, *apps).status
    assert (status.sync, status.health, status.message) == (Sync.SYNCED, Health.HEALTHY, "")


def test_a_second_edit_of_the_app_waits_for_the_same_failed_migration() -> None:
    host, _ = _up()
    host.run_for(100, _migrate("bad"), _web("v2"))
    host.run_for(100, _migrate("bad"), _web("v3"))
    assert _hashes(host) == {_web("v1").hash}


def test_going_back_while_it_waits_goes_on_with_what_runs() -> None:
    host, _ = _up()
    host.run_for(10, _migrate("bad"), _web("v2"))
    before = {process.tag.nonce for process in host.processes()}
    host.settle_all(_migrate("bad"), _web("v1"))
    assert {process.tag.nonce for process in host.processes()} == before
