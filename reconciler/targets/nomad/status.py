"""How the apps are on a server of Nomad, in the words of `recon status`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from reconciler.model.state.memory import Outcome
from reconciler.model.state.memory import Run as RunOfJob
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
from reconciler.targets.nomad.answers import Allocation
from reconciler.targets.nomad.reasons import (
    last_end,
    last_message,
    no_place,
    waits_to_restart,
    why_failed,
)
from reconciler.targets.nomad.sight import Live, Sight

_RUNNING, _PAUSED, _FAILED = ("initializing", "pending", "running"), "paused", "failed"
"""States of a deployment."""
_SECOND = 1e9
_DIGITS = 12
"""Of a number of an instance that is one."""
_CRASHES = 3
"""Restarts of an instance after which it is no late start any more."""
_STATES = {"running": "running", "complete": "completed", "unknown": "missing"}


def statuses(made: Changes, sight: Sight) -> tuple[AppStatus, ...]:
    """Of every app of the plan, by name."""
    return tuple(_status(one, sight.lives.get(one.app)) for one in made.apps)


def _status(app: AppChange | AppPlan, live: Live | None) -> AppStatus:
    kind, drift = app.change.kind, shared.drift(app)
    sync = shared.sync(app, is_there=live is not None)
    labels = dict(app.desired.labels) if app.desired else {}
    if live is None:
        why = shared.message(app, "")
        none = (0, 0, 0, 0, 0, 0)
        runs = JobStatus((), None) if kind == "Job" else None
        nothing = AppStatus(app.app, kind, sync, Health.MISSING, *none, why, (), drift, (), runs)
        return replace(nothing, labels=labels)
    shown = _shown(live)
    health, why = _health_of_job(live) if kind == "Job" else _health(live, shown)
    desired, ready, updated = _counts(live, shown, kind)
    return AppStatus(
        name=app.app,
        kind=kind,
        sync=sync,
        health=health,
        desired=desired,
        ready=ready,
        updated=updated,
        available=ready,
        revision=live.job.version + 1,
        restarts=sum(map(_restarts, shown)),
        message=shared.message(app, why),
        conditions=(*_conditions(live, desired, ready),),
        drift=drift,
        instances=tuple(map(_instance, shown)),
        job=JobStatus((*_runs(live),), None) if kind == "Job" else None,
        labels=labels,
    )


# -- instances -----------------------------------------------------------------------------------


def _shown(live: Live) -> list[Allocation]:
    """Those that are alive, and of each number the newest where none is."""
    alive = [one for one in live.allocations if one.is_alive]
    taken = {one.name for one in alive}
    for one in live.allocations:  # the newest first
        if one.name not in taken and one.desired_status == "run" and not one.next_allocation:
            taken.add(one.name)
            alive.append(one)
    return sorted(alive, key=lambda one: (number_of(one), one.create_index))


def number_of(one: Allocation) -> int:
    """The number of an instance: ``web.web[3]``."""
    text = one.name.rpartition("[")[2].removesuffix("]")
    return int(text) if text.isdecimal() and len(text) < _DIGITS else 0


def name_of(one: Allocation) -> str:
    """As of ``InstanceStatus.name``: of a run of a periodic job that of the run."""
    return f"{one.job_id.replace('/periodic-', '-')}-{number_of(one)}"


def _instance(one: Allocation) -> InstanceStatus:
    end = last_end(one.task_states)
    return InstanceStatus(
        name=name_of(one),
        process=None,
        state=_state(one),
        ready=is_ready(one),
        revision=one.job_version + 1,
        restarts=_restarts(one),
        exit=str(end) if end is not None else "",
    )


def _state(one: Allocation) -> str:
    """As of ``InstanceStatus.state``."""
    if one.is_alive and one.desired_status != "run":
        return "stopping"
    if waits_to_restart(one):
        return "backoff"
    return "waiting" if one.client_status == "pending" else _STATES.get(one.client_status, "failed")


def is_ready(one: Allocation) -> bool:
    """It runs, and is healthy as far as its deployment judges that."""
    if one.client_status != "running" or one.desired_status != "run":
        return False
    health = one.deployment_status.healthy if one.deployment_status is not None else None
    if health is not None:
        return health and not waits_to_restart(one)
    # A deployment is still to decide, or there is none: of a batch job, or after a loss.
    is_judged = one.deployment_status is not None
    runs = all(state.state == "running" for state in one.task_states.values())
    return runs and bool(one.task_states) and not is_judged


def _restarts(one: Allocation) -> int:
    return sum(state.restarts for state in one.task_states.values())


def _counts(live: Live, shown: list[Allocation], kind: str) -> tuple[int, int, int]:
    """Desired, ready, updated."""
    if kind == "Job" and live.job.periodic is not None:
        return 0, 0, 0
    current = [one for one in shown if one.job_version == live.job.version]
    done = [one for one in current if one.client_status == "complete"] if kind == "Job" else []
    ready = sum(map(is_ready, current if kind == "Job" else shown)) + len(done)
    updated = sum(one.client_status == "running" for one in current) + len(done)
    return live.job.count, ready, updated


# -- health --------------------------------------------------------------------------------------


def _health(live: Live, shown: list[Allocation]) -> tuple[Health, str]:  # noqa: PLR0911  a table
    """And why, where it is not well."""
    deployment = live.deployment
    if live.restored is not None:
        failed = f"revision {live.job.version} failed: {_why_of_deployment(live)}"
        return Health.DEGRADED, f"{failed}; Nomad put revision {live.restored + 1} back"
    if deployment is not None and deployment.status == _FAILED:
        return Health.DEGRADED, f"the rollout failed: {_why_of_deployment(live)}"
    if live.job.count == 0:
        return Health.SUSPENDED, ""
    if deployment is not None and deployment.status == _PAUSED:
        return Health.SUSPENDED, "the rollout is paused"
    rolls = deployment is not None and deployment.status in _RUNNING
    for one in shown:
        crashes = waits_to_restart(one) and _restarts(one) >= _CRASHES
        if crashes or one.client_status in ("failed", "lost"):
            return Health.DEGRADED, f"{name_of(one)}: {why_failed(one) or 'failed'}"
    if (blocked := live.blocked) is not None:
        return Health.PROGRESSING if rolls else Health.DEGRADED, no_place(blocked.failed_tg_allocs)
    count, ready, updated = _counts(live, shown, "App")
    if not rolls and ready >= count and updated >= count:
        return Health.HEALTHY, ""
    waits = next((last_message(one) for one in shown if one.client_status == "pending"), "")
    text = f"{min(ready, updated)} of {count} instances are available"
    return Health.PROGRESSING, f"{text}: {waits}" if waits else text


def _why_of_deployment(live: Live) -> str:
    """What went wrong with an instance of it, or what Nomad says of it."""
    failed = next((one for one in live.deployments if one.status == _FAILED), None)
    if failed is None:
        return "no reason is known"
    of_version = (one for one in live.allocations if one.job_version == failed.job_version)
    causes = (f"{name_of(one)}: {why}" for one in of_version if (why := why_failed(one)))
    return next(causes, failed.status_description.rstrip("."))


def _health_of_job(live: Live) -> tuple[Health, str]:  # noqa: PLR0911  a table
    runs = [*_runs(live)]
    if live.job.periodic is not None:
        if not live.job.periodic.enabled:
            return Health.SUSPENDED, ""
        ended = [one for one in runs if one.outcome is not Outcome.ACTIVE]
        if ended and ended[-1].outcome is Outcome.FAILED:
            return Health.DEGRADED, f"the last run failed: {ended[-1].exit or ended[-1].reason}"
        return Health.HEALTHY, ""
    if live.job.count == 0:
        return Health.SUSPENDED, ""
    if (blocked := live.blocked) is not None:
        return Health.PROGRESSING, no_place(blocked.failed_tg_allocs)
    if not runs:
        return Health.PROGRESSING, "it has not begun"
    newest = runs[-1]
    if newest.outcome is Outcome.FAILED:
        return Health.DEGRADED, f"it failed: {newest.exit or newest.reason}"
    if newest.outcome is Outcome.SUCCEEDED:
        return Health.HEALTHY, ""
    return Health.PROGRESSING, "it runs"


def _conditions(live: Live, desired: int, ready: int) -> Iterator[Condition]:
    """In Kubernetes' words."""
    if live.job.type != "service":
        return
    enough = ready >= desired
    why = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = f"{ready} of {desired} instances are healthy"
    yield Condition("Available", "True" if enough else "False", why, text)
    deployment = live.deployment
    if deployment is not None:
        status: Literal["True", "False"] = "False" if deployment.status == _FAILED else "True"
        words = {_FAILED: "ProgressDeadlineExceeded", _PAUSED: "DeploymentPaused"}
        usual = (
            "NewReplicaSetAvailable" if deployment.status == "successful" else "ReplicaSetUpdated"
        )
        reason = words.get(deployment.status, usual)
        yield Condition("Progressing", status, reason, deployment.status_description)
    if (blocked := live.blocked) is not None:
        text = no_place(blocked.failed_tg_allocs)
        yield Condition("ReplicaFailure", "True", "FailedPlacement", text)


# -- runs of a Job -------------------------------------------------------------------------------


def _runs(live: Live) -> list[RunOfJob]:
    """The oldest first: of a periodic job its children, else its allocations."""
    if live.job.periodic is not None:
        children = sorted(live.runs, key=lambda run: run.submitted_at)
        return [
            _run(number, "schedule", one.allocations, one.submitted_at)
            for number, one in enumerate(children, 1)
        ]
    versions: dict[int, list[Allocation]] = {}
    for one in live.allocations:
        versions.setdefault(one.job_version, []).append(one)
    return [
        _run(version + 1, f"revision {version + 1}", found, min(o.create_time for o in found))
        for version, found in sorted(versions.items())
    ]


def _run(number: int, why: str, found: Sequence[Allocation], at: int) -> RunOfJob:
    """``at``: nanoseconds since 1970."""
    states = [state for one in found for state in one.task_states.values()]
    begins = [state.started_at.timestamp() for state in states if state.started_at is not None]
    ends = [state.finished_at.timestamp() for state in states if state.finished_at is not None]
    last = [one for one in found if not one.next_allocation]
    failed = any(one.client_status in ("failed", "lost") for one in last)
    over = bool(found) and not any(one.is_alive for one in found)
    outcome = Outcome.ACTIVE if not over else Outcome.FAILED if failed else Outcome.SUCCEEDED
    end = next((end for one in last if (end := last_end(one.task_states)) is not None), None)
    return RunOfJob(
        number=number,
        hash="",
        why=why,
        created_at=at / _SECOND,
        began_at=min(begins, default=None),
        ended_at=max(ends, default=None) if over else None,
        outcome=outcome,
        reason="BackoffLimitExceeded" if failed and over else "",
        failures=sum(map(_restarts, found)) + sum(one.client_status == "failed" for one in found),
        exit=end,
    )
