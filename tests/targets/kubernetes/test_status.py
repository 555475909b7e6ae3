"""How apps are in a cluster, of objects as a server shows them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api.documents.status import status_of
from reconciler.model.state.memory import Outcome
from reconciler.model.state.plan import AppChange, AppStatus, Change, Changes, Health
from reconciler.render.status import app_lines, status_table
from reconciler.targets.kubernetes.sight import Sight
from reconciler.targets.kubernetes.status import statuses

LABELS = {"app.kubernetes.io/name": "web", "app.kubernetes.io/managed-by": "recon"}


def thing(kind: str, name: str = "web", **parts: Any) -> dict[str, Any]:
    created = parts.pop("created", "2026-12-01T10:00:00Z")
    owner = parts.pop("owner", None)
    metadata = {"name": name, "uid": name, "labels": LABELS, "creationTimestamp": created}
    metadata |= {"ownerReferences": [{"uid": owner}]} if owner else {}
    return {"kind": kind, "metadata": metadata, "spec": {}, **parts}


def job(name: str, verdict: str = "", owner: str | None = None, **status: Any) -> dict[str, Any]:
    at = {"status": "True", "lastTransitionTime": "2026-12-01T10:00:09Z"}
    why = {"reason": "BackoffLimitExceeded"} if verdict == "Failed" else {}
    conditions = [{"type": verdict, **at, **why}] if verdict else []
    begun = {"startTime": "2026-12-01T10:00:01Z", "conditions": conditions}
    return thing("Job", name, owner=owner, status=begun | status)


def pod(name: str = "web-1", waiting: str = "", **status: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting, "message": "no such image"}} if waiting else {}
    containers = [{"restartCount": 2, "state": state}]
    return thing("Pod", name, status={"phase": "Running", "containerStatuses": containers} | status)


def deployment(replicas: int = 2, up: int = 2, **status: Any) -> dict[str, Any]:
    counts = ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")
    return thing(
        "Deployment", spec={"replicas": replicas}, status=dict.fromkeys(counts, up) | status
    )


def status(*made: dict[str, Any], kind: str = "App", **parts: Any) -> AppStatus:
    change = Change("web", "none", None, None, (), 0, 0, 0, 0, kind=kind)  # type: ignore[arg-type]
    changes = Changes((AppChange("web", None, change),))
    (found,) = statuses(changes, Sight((), made, **parts))
    return found


@pytest.mark.parametrize(
    ("made", "health"),
    [
        ((), Health.MISSING),
        ((deployment(),), Health.HEALTHY),
        ((deployment(up=1),), Health.PROGRESSING),
        ((deployment(replicas=0, up=0),), Health.SUSPENDED),
        ((job("web-1"),), Health.PROGRESSING),
        ((job("web-1", "Complete"),), Health.HEALTHY),
        ((job("web-1", "Failed"),), Health.DEGRADED),
        ((thing("CronJob", spec={"schedule": "@daily"}),), Health.HEALTHY),
        ((thing("CronJob", spec={"schedule": "@daily", "suspend": True}),), Health.SUSPENDED),
    ],
)
def test_health_is_that_of_what_runs_it(made: tuple[dict[str, Any], ...], health: Health) -> None:
    assert status(*made).health is health


def test_a_rollout_that_was_given_up_is_degraded() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    found = status(deployment(up=1, conditions=[late]))
    assert (found.health, found.message) == (Health.DEGRADED, "ProgressDeadlineExceeded")


@pytest.mark.parametrize("why", ["ImagePullBackOff", "CrashLoopBackOff", "InvalidImageName"])
def test_an_instance_that_does_not_come_up_says_why(why: str) -> None:
    found = status(deployment(up=1), pods=(pod(waiting=why),))
    assert found.health is Health.DEGRADED
    assert found.message == f"web-1: {why}: no such image"
    assert [row.restarts for row in found.instances] == [2]


def test_an_instance_that_has_no_node_says_why() -> None:
    wait = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    found = status(deployment(up=1), pods=(pod(phase="Pending", conditions=[wait]),))
    assert (found.health, found.message) == (
        Health.PROGRESSING,
        "web-1: 0/3 nodes are available",
    )


def test_the_runs_of_a_schedule_are_the_jobs_that_it_made() -> None:
    schedule = thing("CronJob", spec={"schedule": "@daily"})
    done = job("web-2", "Complete", owner="web")
    failed = job("web-3", "Failed", owner="web", failed=4)
    failed["metadata"]["creationTimestamp"] = "2026-12-02T10:00:00Z"
    found = status(schedule, kind="Job", runs=(failed, done))
    assert found.job is not None
    assert [(run.why, run.outcome, run.failures) for run in found.job.runs] == [
        ("schedule", Outcome.SUCCEEDED, 0),
        ("schedule", Outcome.FAILED, 4),
    ]
    assert found.health is Health.DEGRADED
    assert found.message == "the last run failed: BackoffLimitExceeded"


@pytest.mark.parametrize("made", [(), (job("web-1", "Complete"),), (thing("CronJob", spec={}),)])
def test_a_job_is_shown_as_one_of_this_host_is(made: tuple[dict[str, Any], ...]) -> None:
    row = status_of(status(*made, kind="Job"), {}, 0.0, 0.0)
    assert status_table({"apps": [row]}, columns=80)
    lines = app_lines(row, columns=80)
    assert any("Succeeded" in line for line in lines) == bool(made and made[0]["kind"] == "Job")


def test_a_number_that_is_none_is_no_revision() -> None:
    """Anybody may write an annotation."""
    odd = deployment()
    odd["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "9" * 5000}
    assert status(odd).revision == 0
