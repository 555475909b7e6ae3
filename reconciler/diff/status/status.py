"""How an app is shown: `recon status`, and what `recon apply` waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.dependencies import condition_of
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout import build_gate, job_gate, limit_adjustment
from reconciler.diff.status import drift, health
from reconciler.model.spec.dependency import needs_of
from reconciler.model.state.memory import AppMemory, Ended
from reconciler.model.state.observed import Process
from reconciler.model.state.plan import AppStatus, Condition, Health, InstanceStatus, LastExit, Sync


def status_of(at: AppSituation) -> AppStatus:
    """The status of a declared app."""
    if at.held is not None:
        at = at.seen_as(_shown(at, at.held))
    app, shown = at.app, at.replicas
    found = drift.drift_of(at)
    everyone = (*shown.current, *shown.old, *shown.extra, *shown.spared)
    how, stuck = health.health_of(at), limit_adjustment.stuck(at)
    built = build_gate.condition_of(at)
    return AppStatus(
        name=app.name,
        kind="App",
        sync=health.sync_of(app, found, at.revision),
        health=Health.PROGRESSING if _waits(at) and how is Health.MISSING else how,
        desired=app.spec.wanted,
        ready=sum(process.ready is True for process in everyone),
        updated=len(_updated(shown)),
        available=len(shown.up),
        revision=at.revision.number,
        restarts=sum(at.memory.restarts.values()),
        message=health.message_of(at) or (at.waiting.message if at.waiting else stuck),
        conditions=(
            *health.conditions_of(at),
            *((built,) if built is not None else ()),
            *condition_of(at.waiting or job_gate.wait_of(at)),
            *_limits_in_force(stuck),
        ),
        drift=found,
        instances=tuple(_instances(at)),
        labels=app.labels,
        needs=needs_of(app.spec.depends_on),
    )


def status_of_absent(
    name: str,
    processes: Sequence[Process],
    memory: AppMemory,
    sync: Sync,
    reason: str,
    *,
    unconfirmed: bool = False,
) -> AppStatus:
    """The status of an app that no manifest declares."""
    return AppStatus(
        name,
        "App",
        sync,
        Health.UNKNOWN,
        0,
        sum(p.ready is True for p in processes),
        0,
        0,
        memory.revisions[-1].number if memory.revisions else 0,
        sum(memory.restarts.values()),
        reason,
        (Condition("Removed", "False", "ConfirmationRequired", reason),) if unconfirmed else (),
        drift.orphans(processes, reason),
        tuple(_instance(process, memory) for process in _ordered(processes)),
    )


def _limits_in_force(stuck: str) -> Iterator[Condition]:
    """Told only where it is not so: the manifest says what only a restart can bring about."""
    if stuck:
        yield Condition("LimitsInForce", "False", "NotInPlace", stuck)


def _shown(at: AppSituation, held: Hold) -> Replicas:
    """The replicas; what is missing while a rollout is held is what the hold misses."""
    view = held.replicas
    if held.by in ("build", "dependency") and not (view.current or held.hashes):
        return at.replicas  # before its first build nothing is held, and all is missing
    return replace(
        at.replicas,
        eligible=view.eligible,
        blocked=view.blocked,
        waiting=view.waiting,
        done=view.done,
        lost=view.lost,
    )


def _waits(at: AppSituation) -> bool:
    """Whether missing instances wait for a dependency, or for the build."""
    return at.waiting is not None or (at.held is not None and at.held.by in ("build", "dependency"))


def _updated(shown: Replicas) -> set[int]:
    """Numbers that run what is declared; one that outgrew its limit does so, too."""
    evicted = (p.tag.instance for p in shown.old if p.tag.nonce in shown.evicted)
    return {*(process.tag.instance for process in shown.current), *evicted}


def _instances(at: AppSituation) -> Iterator[InstanceStatus]:
    memory, shown = at.memory, at.replicas
    everyone = (*shown.current, *shown.extra, *shown.old, *shown.stopping, *shown.spared)
    rows = [(p.tag.instance, _instance(p, memory)) for p in _ordered(everyone)]
    for state, numbers in (
        ("waiting" if _waits(at) else "missing", shown.eligible),
        ("backoff", shown.waiting),
        ("completed", shown.done),
        ("failed", shown.lost),
    ):
        rows += [(n, _no_instance(at.app.name, n, state, memory)) for n in numbers]
    for _, row in sorted(rows, key=lambda row: row[0]):
        yield row


def _instance(process: Process, memory: AppMemory) -> InstanceStatus:
    number = process.tag.instance
    ended = holds(memory, number, process.tag.hash)
    return InstanceStatus(
        process.name,
        process,
        process.state.value,
        process.ready is True,
        history.number_of(memory, process.tag.hash),
        memory.restarts.get(number, 0),
        ended.message if ended else "",
        _last(ended),
    )


def _no_instance(app: str, number: int, state: str, memory: AppMemory) -> InstanceStatus:
    ended: Ended | None = memory.ended.get(number)
    restarts = memory.restarts.get(number, 0)
    last = ended.message if ended else ""
    name = f"{app}-{number}"
    return InstanceStatus(name, None, state, False, 0, restarts, last, _last(ended))


def _last(ended: Ended | None) -> LastExit | None:
    if ended is None:
        return None
    exit = None if ended.fault and ended.uptime is None else ended.exit
    return LastExit(exit, ended.fault, ended.at, ended.uptime)


def _ordered(processes: Iterable[Process]) -> list[Process]:
    return sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce))
