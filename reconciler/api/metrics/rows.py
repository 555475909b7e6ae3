"""One app and one instance in numbers, for the metrics: plain data, made of what is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from reconciler.diff.leak_detection import left_of
from reconciler.model.state.desired import DesiredJob, Workload
from reconciler.model.state.memory import AppMemory, Outcome
from reconciler.model.state.plan import AppPlan, AppStatus, InstanceStatus, JobStatus
from reconciler.model.state.tally import AppTally
from reconciler.model.state.trend import Trend
from reconciler.observed.host.samples import Sample


def app(
    plan: AppPlan, instances: list[dict[str, Any]], memory: AppMemory, tally: AppTally
) -> dict[str, Any]:
    """The numbers of one app."""
    status = plan.status
    return {
        "app": status.name,
        "kind": status.kind,
        "sync": status.sync.value,
        "health": status.health.value,
        "desired": status.desired,
        "ready": status.ready,
        "updated": status.updated,
        "available": status.available,
        "revision": status.revision,
        "states": Counter(row.state for row in status.instances),
        "drift": Counter(drift.kind.value for drift in status.drift),
        "rollout": _rollout(status),
        "held": status.load is not None,
        "restarts": _restarts(instances, memory) if status.kind == "App" else {},
        "instances": _single(instances),
        "tally": _tally(tally),
        **_declared(plan.desired),
        **(_job(status.job, memory) if status.job is not None else {}),
    }


def instance(
    row: InstanceStatus,
    sample: Sample | None,
    trend: Trend,
    *,
    pss: int | None,
    limit: int | None,
    wall_of: Callable[[float], float],
) -> dict[str, Any]:
    """The numbers of a process that runs. ``limit``: of its memory, in bytes; ``wall_of`` makes
    wall time of boot seconds."""
    process, leak = row.process, trend.leak
    assert process is not None
    return {
        "name": row.name,
        "number": process.tag.instance,
        "ready": row.ready,
        "leaving": row.state == "stopping",
        "startTime": wall_of(process.started_at),
        "rss": sample.rss if sample is not None else None,
        "cpu": sample.cpu_seconds if sample is not None else None,
        "processes": len(sample.each) if sample is not None else None,
        "pss": pss,
        "growth": leak.rate if leak is not None else None,
        "left": left_of(leak.rate, sample.rss, limit) if sample and leak else None,
    }


def _restarts(instances: list[dict[str, Any]], memory: AppMemory) -> dict[int, int]:
    """By instance number, also of those that never had to be restarted."""
    return {**dict.fromkeys((one["number"] for one in instances), 0), **memory.restarts}


def _single(instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One process for each instance: of an old one and its replacement the one that stays."""
    ordered = sorted(instances, key=lambda one: (not one["leaving"], one["startTime"]))
    return [*{one["name"]: one for one in ordered}.values()]


def _rollout(status: AppStatus) -> str:
    """``complete``, ``progressing``, ``held``, ``failed``; empty where there can be none."""
    found = next((c for c in status.conditions if c.type == "Progressing"), None)
    if found is None:
        return ""
    if found.status == "False":
        return "failed"
    if found.reason == "NewReplicaSetAvailable":
        return "complete"
    return "progressing" if found.reason == "ReplicaSetUpdated" else "held"


def _declared(app: Workload | None) -> dict[str, Any]:
    """What the manifest says; nothing where no manifest declares the app any more."""
    if app is None:
        return {"suspended": False, "memoryLimit": None, "memoryHard": None, "cpuLimit": None}
    limits = app.spec.limits
    cpu = limits.cpu
    return {
        "suspended": bool(app.spec.suspend),
        "memoryLimit": limits.memory,
        "memoryHard": limits.memory_hard,
        "cpuLimit": float(cpu) if cpu is not None and cpu != "max" else None,
        "scheduled": isinstance(app, DesiredJob) and app.spec.schedule is not None,
    }


def _job(job: JobStatus, memory: AppMemory) -> dict[str, Any]:
    ended = [run for run in job.runs if run.ended_at is not None]
    succeeded = [run for run in ended if run.outcome is Outcome.SUCCEEDED]
    failed = [run for run in ended if run.outcome is Outcome.FAILED]
    last = max(ended, key=lambda run: run.ended_at or 0, default=None)
    took = None
    if last is not None and last.ended_at is not None and last.began_at is not None:
        took = max(0.0, last.ended_at - last.began_at)
    return {
        "job": {
            "active": sum(run.outcome is Outcome.ACTIVE for run in job.runs),
            "runs": memory.last_run,
            "succeededAt": max((run.ended_at or 0 for run in succeeded), default=None),
            "failedAt": max((run.ended_at or 0 for run in failed), default=None),
            "lastFailed": last.outcome is Outcome.FAILED if last is not None else None,
            "duration": took,
            "nextAt": job.next_at,
        }
    }


def _tally(tally: AppTally) -> dict[str, Any]:
    return {
        "exits": tally.exits,
        "probes": {
            role: [probe.succeeded, probe.failed, probe.seconds]
            for role, probe in tally.probes.items()
        },
        "logged": tally.logged,
        "dropped": tally.dropped,
    }
