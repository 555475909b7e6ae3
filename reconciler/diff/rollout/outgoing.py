"""Outgoing instances: those of earlier revisions that serve until a rollout replaces them.

Each is remembered until the rollout itself stops it. One that ends unasked comes back at the
revision it ran, before anything new is started: as with the old ReplicaSet of a Deployment, which
keeps its own count. So a new revision that never gets ready costs no availability, however long
its deadline is. What cannot come back is an instance whose revision is not remembered (the state
directory was lost); its place goes to the new revision.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.replicas import Replicas, Returning
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import same_revision


def with_returning(spec: AppSpec, replicas: Replicas, memory: AppMemory, now: float) -> Replicas:
    """The replicas, with the outgoing instances that are missing below the floor."""
    if not memory.leaving or spec.strategy.type is StrategyType.RECREATE:
        return replicas
    _, unavailable = fenceposts(spec.strategy, replicas.wanted)
    serving = len(_up_numbers(replicas)) + len(replicas.done) + len(replicas.old)
    lacking = replicas.wanted - unavailable - serving
    missing = sorted(_missing(replicas, memory), key=lambda one: one[0])[: max(0, lacking)]
    absent = tuple(Returning(number, hash) for _, number, hash in missing)
    due = tuple(one for one in absent if _is_due(one, replicas, memory, now))
    return replace(replicas, absent=absent, returning=due)


def note(spec: AppSpec, replicas: Replicas, memory: AppMemory, ends: Container[str]) -> AppMemory:
    """The memory of which instances are outgoing; ``ends``: nonces of those stopped just now."""
    if not (replicas.old or memory.leaving or memory.left):
        return memory
    leaving = (
        {} if spec.strategy.type is StrategyType.RECREATE else _leaving(replicas, memory, ends)
    )
    left = {n: end for n, end in memory.left.items() if n in leaving}
    if (leaving, left) == (memory.leaving, memory.left):
        return memory
    return replace(memory, leaving=leaving, left=left)


def settle(memory: AppMemory) -> AppMemory:
    """The memory after the revision that shall run may have become another: what was outgoing and
    is now to stay keeps its ladder."""
    target = history.target(memory)
    if not memory.left or target is None:
        return memory
    kept = {n: end for n, end in memory.left.items() if same_revision(end.hash, target.hash)}
    rest = {n: end for n, end in memory.left.items() if n not in kept}
    return replace(memory, ended={**memory.ended, **kept}, left=rest) if kept else memory


def moments(replicas: Replicas, memory: AppMemory) -> Iterator[float]:
    """When those in backoff may be started, in boot seconds."""
    for number, hash in replicas.absent:
        ended = holds(memory, number, hash)
        if ended is not None and ended.retry_at is not None:
            yield ended.retry_at


def _leaving(replicas: Replicas, memory: AppMemory, ends: Container[str]) -> dict[int, str]:
    stopped = {p.tag.instance for p in replicas.old if p.tag.nonce in ends and not p.failed}
    replaced = stopped | _up_numbers(replicas)
    found = {
        number: hash
        for number, hash in memory.leaving.items()
        if number < replicas.wanted
        and number not in replaced
        and not same_revision(hash, replicas.target or hash)
    }
    for process in replicas.old:
        tag = process.tag
        served = process.was_ready or tag.nonce in replicas.up
        outdated = not same_revision(tag.hash, replicas.target or tag.hash)
        if served and outdated and tag.instance < replicas.wanted and tag.nonce not in ends:
            found[tag.instance] = tag.hash
    return found


def _missing(replicas: Replicas, memory: AppMemory) -> Iterator[tuple[tuple[bool, int], int, str]]:
    """Outgoing instances that ended unasked, each with its turn: a number that nothing holds
    first, so that its port is free."""
    there = {process.tag.instance for process in replicas.old} | _up_numbers(replicas)
    held = {process.tag.instance for process in replicas.current}
    for number, hash in memory.leaving.items():
        revision = memory.revision(hash)
        if number >= replicas.wanted or number in there or number in replicas.done:
            continue
        if revision is None or revision.failed or same_revision(hash, replicas.target or hash):
            continue
        ended = holds(memory, number, hash)
        if ended is None or ended.retry_at is not None:
            yield (number in held, number), number, hash


def _is_due(one: Returning, replicas: Replicas, memory: AppMemory, now: float) -> bool:
    if any(p.tag.instance == one.number for p in replicas.stopping if p.tag.hash == one.hash):
        return False
    ended = holds(memory, one.number, one.hash)
    return ended is None or ended.retry_at is None or ended.retry_at <= now


def _up_numbers(replicas: Replicas) -> set[int]:
    return {p.tag.instance for p in replicas.current if p.tag.nonce in replicas.up}
