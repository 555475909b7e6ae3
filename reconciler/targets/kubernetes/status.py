"""How the apps are in a cluster, in the words of `recon status`. Pure.

The conditions are the Deployment's own, whose names recon took over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.model.state.memory import Outcome, Run
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import (
    AppChange,
    AppPlan,
    AppStatus,
    Changes,
    Condition,
    Health,
    InstanceStatus,
    JobStatus,
)
from reconciler.targets import status as shared
from reconciler.targets.kubernetes.client import Object
from reconciler.targets.kubernetes.sight import (
    WORKLOADS,
    Sight,
    app_of,
    ended,
    name,
    owned,
    revision,
    seconds,
)

_STUCK = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}
"""Reasons of a container that waits, out of which it does not come without a change."""
_CONDITIONS = ("Available", "Progressing", "ReplicaFailure", "Complete", "Failed")


def statuses(made: Changes, sight: Sight) -> tuple[AppStatus, ...]:
    """Of every app of the plan, by name."""
    return tuple(_status(one, sight) for one in made.apps)


def _status(app: AppChange | AppPlan, sight: Sight) -> AppStatus:
    change = app.change
    live = [one for one in sight.made if app_of(one) == app.app]
    live += [p.live for p in sight.proposals if p.app == app.app and p.live and p.is_foreign]
    main = next((one for one in live if one["kind"] in WORKLOADS), None)
    of_app = [pod for pod in sight.pods if app_of(pod) == app.app]
    revisions = _revisions(main, sight) if main else {}
    instances = tuple(_instance(pod, revisions) for pod in of_app)
    labels = dict(app.desired.labels) if app.desired else {}
    status = main.get("status", {}) if main else {}
    desired, ready, updated, available = _counts(main, status)
    runs = _runs(live, [one for one in sight.runs if app_of(one) == app.app])
    health, why = _health(main, of_app, runs)
    return AppStatus(
        name=app.app,
        kind=change.kind,
        sync=shared.sync(app, is_there=main is not None),
        health=health,
        desired=desired,
        ready=ready,
        updated=updated,
        available=available,
        revision=revision(main) if main else 0,
        restarts=sum(row.restarts for row in instances),
        message=shared.message(app, why),
        conditions=_conditions(status),
        drift=shared.drift(app),
        instances=instances,
        job=JobStatus(runs, None) if change.kind == "Job" else None,
        labels=labels,
    )


def _counts(main: Object | None, status: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Desired, ready, updated, available."""
    if main is None:
        return 0, 0, 0, 0
    spec = main["spec"]
    if main["kind"] == "Deployment":
        keys = ("readyReplicas", "updatedReplicas", "availableReplicas")
        ready, updated, available = (int(status.get(key, 0)) for key in keys)
        return int(spec.get("replicas", 1)), ready, updated, available
    if main["kind"] == "CronJob" or spec.get("suspend"):
        return 0, 0, 0, 0
    wanted, succeeded = int(spec.get("completions") or 1), int(status.get("succeeded", 0))
    active = int(status.get("active", 0))
    return wanted, active + succeeded, active + succeeded, active + succeeded


def _health(main: Object | None, pods: Sequence[Object], runs: Sequence[Run]) -> tuple[Health, str]:
    """And why, where it is not well."""
    if main is None:
        return Health.MISSING, ""
    spec, status = main["spec"], main.get("status", {})
    failed = next((c for c in _list(status, "conditions") if _has_failed(c)), None)
    if failed is not None:
        return Health.DEGRADED, failed.get("message") or failed.get("reason", "")
    stuck = next((f"{name(pod)}: {why}" for pod in pods if (why := _stuck(pod))), "")
    if stuck:
        return Health.DEGRADED, stuck
    if spec.get("suspend") or spec.get("paused") or spec.get("replicas") == 0:
        return Health.SUSPENDED, "the rollout is paused" if spec.get("paused") else ""
    return _rollout(main, pods) if main["kind"] == "Deployment" else _job(main, runs)


def _job(main: Object, runs: Sequence[Run]) -> tuple[Health, str]:
    if main["kind"] == "Job":
        return (Health.HEALTHY, "") if ended(main) else (Health.PROGRESSING, "it runs")
    decided = [one for one in runs if one.outcome is not Outcome.ACTIVE]
    if decided and decided[-1].outcome is Outcome.FAILED:
        return Health.DEGRADED, f"the last run failed: {decided[-1].reason}"
    return Health.HEALTHY, ""


def _rollout(main: Object, pods: Iterable[Object]) -> tuple[Health, str]:
    status = main.get("status", {})
    desired, _, updated, available = _counts(main, status)
    seen = status.get("observedGeneration", 0) >= main["metadata"].get("generation", 0)
    if seen and updated == desired == available == int(status.get("replicas", 0)):
        return Health.HEALTHY, ""
    waits = next((why for pod in pods if (why := _unscheduled(pod))), "")
    return Health.PROGRESSING, waits or f"{available} of {desired} instances are available"


def _has_failed(condition: Mapping[str, str]) -> bool:
    kind, state = condition["type"], condition["status"]
    late = condition.get("reason") == "ProgressDeadlineExceeded"
    return (kind in ("ReplicaFailure", "Failed") and state == "True") or (
        kind == "Progressing" and state == "False" and late
    )


def _conditions(status: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(
        Condition(one["type"], one["status"], one.get("reason", ""), one.get("message", ""))
        for one in _list(status, "conditions")
        if one["type"] in _CONDITIONS
    )


def _revisions(main: Object, sight: Sight) -> dict[str, int]:
    """The revision of each ReplicaSet, by its uid."""
    sets = owned(sight.sets, main)
    return {one["metadata"].get("uid", ""): revision(one) for one in sets}


def _runs(live: Iterable[Object], of_schedule: Iterable[Object]) -> tuple[Run, ...]:
    """The oldest first: Jobs, and those that a CronJob made."""
    jobs = [*(one for one in live if one["kind"] == "Job"), *of_schedule]
    jobs.sort(key=lambda one: str(one["metadata"].get("creationTimestamp", "")))
    return tuple(_run(number, one) for number, one in enumerate(jobs, 1))


def _run(number: int, job: Object) -> Run:
    status, by_clock = job.get("status", {}), bool(job["metadata"].get("ownerReferences"))
    decided = {one["type"]: one for one in _list(status, "conditions") if one["status"] == "True"}
    failed, done = decided.get("Failed"), decided.get("Complete")
    over = seconds((failed or done or {}).get("lastTransitionTime"))
    return Run(
        number=number,
        hash="",
        why="schedule" if by_clock else f"revision {number}",
        created_at=seconds(job["metadata"].get("creationTimestamp")) or 0.0,
        began_at=seconds(status.get("startTime")),
        ended_at=seconds(status.get("completionTime")) or over,
        outcome=Outcome.FAILED if failed else Outcome.SUCCEEDED if done else Outcome.ACTIVE,
        reason=failed.get("reason", "") if failed else "",
        failures=int(status.get("failed", 0)),
        exit=Exit(0) if done else None,
    )


def _instance(pod: Object, revisions: Mapping[str, int]) -> InstanceStatus:
    status = pod.get("status", {})
    containers = [one for one in _list(status, "containerStatuses") if one]
    owners = [ref.get("uid", "") for ref in pod["metadata"].get("ownerReferences") or ()]
    waiting = [one.get("state", {}).get("waiting") for one in containers]
    last = [one.get("lastState", {}).get("terminated") for one in containers]
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in _list(status, "conditions"))
    return InstanceStatus(
        name=name(pod),
        process=None,
        state=_state(pod, [one for one in waiting if one]),
        ready=ready,
        revision=next((revisions[uid] for uid in owners if uid in revisions), 0),
        restarts=sum(int(one.get("restartCount", 0)) for one in containers),
        exit=next((_end(one) for one in last if one), ""),
    )


def _state(pod: Object, waiting: Iterable[Mapping[str, str]]) -> str:
    """As of ``InstanceStatus.state``."""
    if pod["metadata"].get("deletionTimestamp"):
        return "stopping"
    if any(one.get("reason") == "CrashLoopBackOff" for one in waiting):
        return "backoff"
    phases = {"Pending": "waiting", "Running": "running", "Succeeded": "completed"}
    return phases.get(pod.get("status", {}).get("phase", ""), "failed")


def _end(terminated: Mapping[str, Any]) -> str:
    """How a container ended, for people."""
    code, reason = terminated.get("exitCode"), terminated.get("reason") or ""
    return f"exit {code}" if reason in ("", "Error", "Completed") else f"exit {code} ({reason})"


def _stuck(pod: Object) -> str:
    for one in _list(pod.get("status", {}), "containerStatuses"):
        waiting = one.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _STUCK:
            return ": ".join(part for part in (waiting["reason"], waiting.get("message")) if part)
    return ""


def _unscheduled(pod: Object) -> str:
    for one in _list(pod.get("status", {}), "conditions"):
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return f"{name(pod)}: {one.get('message') or one.get('reason', '')}"
    return ""


def _list(status: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return status.get(key) or []
