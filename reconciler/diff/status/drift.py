"""Drift: the differences between running and declared, one entry an instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout import limit_adjustment
from reconciler.diff.status.fields import changed_fields
from reconciler.model.state.observed import DriftKind, Process, RunState
from reconciler.model.state.plan import Drift
from reconciler.model.state.revision import same_revision
from reconciler.model.words.fields import Effect

# What makes an app OutOfSync; the rest are faults of processes, which health tells of.
SYNC_DRIFT = {
    DriftKind.MISSING,
    DriftKind.EXTRA,
    DriftKind.OUTDATED,
    DriftKind.ORPHAN,
    DriftKind.IN_PLACE,
}


def drift_of(at: AppSituation) -> tuple[Drift, ...]:
    """All drift of one declared app, by instance."""
    app, replicas = at.app, at.replicas
    outdated = (*replicas.old, *replicas.spared)
    served = {process.tag.instance for process in outdated}
    found = [
        Drift(DriftKind.MISSING, f"{app.name}-{number}", "declared, but not running")
        for number in replicas.eligible
        if number not in served
    ]
    found += [
        Drift(
            DriftKind.EXTRA,
            process.name,
            f"pid {process.id.pid} exceeds the declared number of instances",
        )
        for process in replicas.extra
    ]
    others = (process for process in outdated if process.tag.nonce not in replicas.evicted)
    found += _all_outdated(at, others)
    found += [Drift(DriftKind.PORT_CONFLICT, app.name, at.conflict)] if at.conflict else []
    found += limit_adjustment.drift_of(at)
    found += _faults((*replicas.current, *outdated, *replicas.extra))
    return tuple(sorted(found, key=lambda drift: (drift.instance, drift.kind)))


def orphans(processes: Iterable[Process], reason: str) -> tuple[Drift, ...]:
    """Processes of recon that no manifest declares."""
    return tuple(
        Drift(DriftKind.ORPHAN, process.name, f"pid {process.id.pid}: {reason}")
        for process in sorted(processes, key=lambda p: p.tag.instance)
    )


def _all_outdated(at: AppSituation, processes: Iterable[Process]) -> Iterator[Drift]:
    """One entry a process; the differing fields are named once a hash."""
    details: dict[str, str] = {}
    for process in processes:
        hash = process.tag.hash
        if hash not in details:
            details[hash] = _outdated(at, hash)
        yield Drift(DriftKind.OUTDATED, process.name, details[hash])


def _outdated(at: AppSituation, hash: str) -> str:
    revisions = reversed(at.memory.revisions)
    before = next((r for r in revisions if same_revision(r.hash, hash)), None)
    if before is None:
        return "runs a revision that is no longer in the history"
    changes = changed_fields(before, at.app)
    return ", ".join(c.path for c in changes if c.effect is Effect.REPLACES) or "to be restarted"


def _faults(processes: Iterable[Process]) -> list[Drift]:
    found: list[Drift] = []
    for process in processes:
        if process.state is RunState.FROZEN:
            detail = f"pid {process.id.pid} is stopped; kill -CONT {process.id.pid} resumes it"
            found.append(Drift(DriftKind.FROZEN, process.name, detail))
        if process.outgrown:
            detail = f"pid {process.id.pid} {process.outgrown}"
            found.append(Drift(DriftKind.OUTGROWN, process.name, detail))
        if process.binary_replaced:
            detail = "its program was replaced on disk; `recon restart` runs the new one"
            found.append(Drift(DriftKind.BINARY, process.name, detail))
        if (
            process.ready is False
            and process.ready_at is None
            and process.state is RunState.RUNNING
        ):
            detail = process.failed or process.unready_reason or "its readiness probe fails"
            found.append(Drift(DriftKind.UNHEALTHY, process.name, detail))
    return found
