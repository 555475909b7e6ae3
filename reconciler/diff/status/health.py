"""How an app is: sync and health (two axes, as Argo CD), conditions and one message.

Conditions, their reasons and their meanings are a Kubernetes Deployment's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from reconciler.diff.core import history
from reconciler.diff.core.hold import HeldBy, Hold
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.diagnosis import CauseCode, Evidence, diagnose
from reconciler.diff.rollout import eviction, port_conflict
from reconciler.diff.rollout.progress import is_complete
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.diff.status.drift import SYNC_DRIFT
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Problem, Workload
from reconciler.model.state.memory import Ended, Failure
from reconciler.model.state.observed import RunState
from reconciler.model.state.plan import Condition, Drift, Health, Sync
from reconciler.model.state.revision import Revision

_HELD: Mapping[HeldBy, tuple[Literal["True", "Unknown"], str]] = {
    "pause": ("Unknown", "DeploymentPaused"),
    "build": ("True", "Building"),
    "dependency": ("True", "WaitingForDependency"),
    "canary": ("True", "CanaryPauseStep"),
    "memory": ("Unknown", "MemoryMissing"),
}
"""Status and reason of the condition Progressing, by what holds the rollout."""


def sync_of(app: Workload, drift: Sequence[Drift], revision: Revision) -> Sync:
    """Whether what runs is what is declared; Unknown where the manifest cannot be read."""
    if app.problem is not None:
        return Sync.UNKNOWN
    if revision.failed or any(found.kind in SYNC_DRIFT for found in drift):
        return Sync.OUT_OF_SYNC
    return Sync.SYNCED


def health_of(at: AppSituation) -> Health:
    """How well it runs, whatever is declared (see `sync_of` for that)."""
    held = at.held
    alive = at.replicas.is_running or bool(at.replicas.stopping)
    if at.app.spec.suspend and not alive:
        return Health.SUSPENDED
    if at.revision.failed or _is_unhealthy(at):
        return Health.DEGRADED
    if held is not None:
        if held.by in ("pause", "memory") and held.is_whole:
            return Health.HEALTHY
    elif is_complete(at.replicas):
        return Health.HEALTHY
    return Health.PROGRESSING if alive else Health.MISSING


def conditions_of(at: AppSituation) -> tuple[Condition, ...]:
    """Available and Progressing."""
    return (_available(at), _progressing(at))


def message_of(at: AppSituation) -> str:
    """The one thing to know; empty when all is well."""
    return next(_messages(at), "")


def _crash_loop_of(at: AppSituation) -> Ended | None:
    """The end of the instance in backoff that will be tried next."""
    memory = at.memory
    ends = (memory.ended.get(n) or memory.left[n] for n in at.replicas.waiting)
    return min(ends, key=lambda e: e.retry_at or 0, default=None)


def _messages(at: AppSituation) -> Iterator[str]:
    """The messages, most urgent first."""
    app, replicas, revision = at.app, at.replicas, at.revision
    if app.problem is not None:
        none = bool(replicas.wanted) and not (replicas.old or replicas.current)
        yield sentence(app.problem, revision, none=none)
    if revision.failed:
        yield _failed(at)
    looping = _crash_loop_of(at)
    if looping is not None:
        port = next((f" ({one}; {port_conflict.remedy_of(one)})" for one in at.ports), "")
        yield _crash_loop(app.spec, looping, at.now) + port
    if at.held is not None:
        yield _hold_message(at.held, at.now)
    if any(process.tag.nonce not in replicas.evicted for process in replicas.old):
        yield f"{len(replicas.current)} of {replicas.wanted} instances updated"
    outgrown = eviction.message_of(at)
    if outgrown:
        yield outgrown
    frozen = [p.name for p in replicas.current if p.state is RunState.FROZEN]
    if frozen:
        yield f"stopped by a signal (frozen): {', '.join(frozen)}"
    unready = [p for p in replicas.current if p.ready is False]
    if unready:
        why = f" ({unready[0].unready_reason})" if unready[0].unready_reason else ""
        yield f"not ready: {', '.join(p.name for p in unready)}{why}"
    yield from (process.remnant for process in replicas.stopping if process.remnant)
    if replicas.stopping:
        yield f"stopping {len(replicas.stopping)}"
    for number in (*replicas.lost, *replicas.done):
        yield f"{at.memory.ended[number].message}; restartPolicy is {app.spec.restart_policy}"
    if replicas.extra:
        yield f"{len(replicas.extra)} more than the {replicas.wanted} wanted"


def _hold_message(held: Hold, now: float) -> str:
    if held.by != "canary" or held.until is None:
        return held.message
    return f"{held.message}, {max(0, math.ceil(held.until - now))} s left"


def _is_unhealthy(at: AppSituation) -> bool:
    """Something is wrong that no rollout explains."""
    if at.replicas.waiting or at.replicas.lost:
        return True
    processes = at.replicas.current
    if any(process.state is RunState.FROZEN for process in processes):
        return True
    # One that was never ready is starting; but it cannot be starting without end.
    patience = at.now - at.app.spec.progress_deadline_seconds
    return at.revision.good and any(
        process.ready is False and (process.was_ready or process.started_at < patience)
        for process in processes
    )


def sentence(problem: Problem, revision: Revision, *, none: bool = False) -> str:
    """A problem in one line of a table: the file's name will do, its path is in ``errors``.

    ``none``: nothing runs that should.
    """
    place = problem.file.rpartition("/")[2]
    if problem.line:
        place += f":{problem.line}:{problem.column}"
    text = ": ".join(part for part in (place, problem.path, problem.text) if part)
    message = text if text.endswith((".", "?")) else f"{text}."
    number = revision.number
    return (
        f"{message} No instance of revision {number} runs"
        if none
        else f"{message} Running revision {number}"
    )


def _failed(at: AppSituation) -> str:
    revision, replicas, memory = at.revision, at.replicas, at.memory
    assert revision.failed is not None
    running = next((r for r in memory.revisions if r.hash == replicas.target), None)
    if running is not None:
        rest = f"running revision {running.number}"
    elif replicas.spared:
        rest = f"left {len(replicas.spared)} of an earlier revision running"
    else:
        rest = "no earlier revision is known to be good"
    failure = history.failure_of(memory, revision)
    if failure is Failure.PORT:
        return f"{revision.failed}; {rest}. {memory.given_up[revision.number].remedy}"
    if failure is Failure.BUILD:
        return f"{revision.failed}; {rest}. Fix the build, then run `recon restart` to build again"
    return f"{revision.failed}; {rest}. Edit the manifest, or `recon restart` to try again"


def _crash_loop(spec: AppSpec, ended: Ended, now: float) -> str:
    wait = max(0, math.ceil((ended.retry_at or now) - now))
    cause = diagnose(Evidence(spec, ended.exit, ended.fault, ended.uptime))
    if cause is not None and cause.code is CauseCode.ENDS_AT_ONCE:
        return f"{cause.message}, next try in {wait} s; {cause.remedy}"
    return f"CrashLoopBackOff: {ended.message}, next try in {wait} s"


def _available(at: AppSituation) -> Condition:
    wanted, up = at.app.spec.wanted, len(at.replicas.up) + len(at.replicas.done)
    _, unavailable = fenceposts(at.app.spec.strategy, wanted)
    need = wanted - unavailable
    detail = f"{up} of {wanted} available, at least {need} needed"
    if up >= need:
        return Condition("Available", "True", "MinimumReplicasAvailable", detail)
    return Condition("Available", "False", "MinimumReplicasUnavailable", detail)


def _progressing(at: AppSituation) -> Condition:
    revision, replicas, held = at.revision, at.replicas, at.held
    if revision.failed:
        # A rollout that a canary ended has Argo Rollouts' reason: Kubernetes knows no canary.
        reason = history.failure_of(at.memory, revision)
        return Condition("Progressing", "False", reason, revision.failed)
    if held is not None:
        status, why = _HELD[held.by]
        message = "the rollout is paused" if held.by == "pause" else held.message
        return Condition("Progressing", status, why, message)
    if is_complete(replicas):
        detail = f"revision {revision.number} is fully rolled out"
        return Condition("Progressing", "True", "NewReplicaSetAvailable", detail)
    detail = (
        f"{len(replicas.current)} of {replicas.wanted} instances run revision {revision.number}"
    )
    return Condition("Progressing", "True", "ReplicaSetUpdated", detail)
