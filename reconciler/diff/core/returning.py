"""Instances of earlier revisions that ended unasked, are still needed, and come back as they were.

See ``rollout.outgoing`` for which those are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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
    serving = len(replicas.up_numbers) + len(replicas.done) + len(replicas.old)
    lacking = replicas.wanted - unavailable - serving
    missing = sorted(_missing(replicas, memory), key=lambda one: one[0])[: max(0, lacking)]
    absent = tuple(Returning(number, hash) for _, number, hash in missing)
    due = tuple(one for one in absent if _is_due(one, replicas, memory, now))
    return replace(replicas, absent=absent, returning=due)


def _missing(replicas: Replicas, memory: AppMemory) -> Iterator[tuple[tuple[bool, int], int, str]]:
    """Outgoing instances that ended unasked, each with its turn: a number that nothing holds
    first, so that its port is free."""
    there = {process.tag.instance for process in replicas.old} | replicas.up_numbers
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
