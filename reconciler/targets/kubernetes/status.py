"""How the apps are in a cluster, in the words of `recon status`. Pure.

The conditions are the Deployment's own, whose names recon took over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.state.observed import DriftKind
from reconciler.model.state.plan import (
    AppChange,
    AppPlan,
    AppStatus,
    Changes,
    Condition,
    Drift,
    Health,
    InstanceStatus,
    Sync,
)
from reconciler.model.words.fields import Effect
from reconciler.targets.kubernetes.client import Object
from reconciler.targets.kubernetes.sight import (
    REVISION,
    WORKLOADS,
    Sight,
    app_of,
    ended,
    name,
    notes_on,
    owned,
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
_DRIFTS = {Effect.REPLACES: DriftKind.OUTDATED, Effect.IN_PLACE: DriftKind.IN_PLACE}
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
    health, message = _health(main, of_app)
    return AppStatus(
        name=app.app,
        kind=change.kind,
        sync=_sync(app, main),
        health=health,
        desired=desired,
        ready=ready,
        updated=updated,
        available=available,
        revision=int(notes_on(main).get(REVISION, "0")) if main else 0,
        restarts=sum(row.restarts for row in instances),
        message=_message(app, message),
        conditions=_conditions(status),
        drift=_drift(app),
        instances=instances,
        labels=labels,
    )


def _sync(app: AppChange | AppPlan, main: Object | None) -> Sync:
    if app.desired is not None and app.desired.problem is not None:
        return Sync.UNKNOWN
    change = app.change
    if change.action == "none" and not change.held and main is not None:
        return Sync.SYNCED
    return Sync.OUT_OF_SYNC


def _message(app: AppChange | AppPlan, health: str) -> str:
    if app.change.held and app.change.notes:
        return app.change.notes[0]
    if app.desired is None and app.change.notes:
        return app.change.notes[0]
    return health


def _drift(app: AppChange | AppPlan) -> tuple[Drift, ...]:
    """What another client made of a field: it is not as the manifest says."""
    if app.change.action != "update" and not app.change.held:
        return ()
    return tuple(
        Drift(_DRIFTS[one.effect], app.app, f"{one.path}: {one.before} → {one.after}")
        for one in app.change.fields
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


def _health(main: Object | None, pods: Iterable[Object]) -> tuple[Health, str]:
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
    return _job(main) if main["kind"] != "Deployment" else _rollout(main, pods)


def _job(main: Object) -> tuple[Health, str]:
    runs = main["kind"] == "Job" and not ended(main)
    return (Health.PROGRESSING, "it runs") if runs else (Health.HEALTHY, "")


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
    return {one["metadata"].get("uid", ""): int(notes_on(one).get(REVISION, "0")) for one in sets}


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
