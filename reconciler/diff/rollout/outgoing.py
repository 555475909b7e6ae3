"""Outgoing instances: those of earlier revisions that serve until a rollout replaces them.

Each is remembered until the rollout itself stops it. One that ends unasked comes back at the
revision it ran (``core.returning``), before anything new is started: as with the old ReplicaSet of
a Deployment, which keeps its own count. So a new revision that never gets ready costs no
availability, however long its deadline is. What cannot come back is an instance whose revision is
not remembered (the state directory was lost); its place goes to the new revision.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import AppSituation
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import same_revision


def note(at: AppSituation, ends: Container[str]) -> AppMemory:
    """The memory of which instances are outgoing; ``ends``: nonces of those stopped just now."""
    replicas, memory = at.replicas, at.memory
    if not (replicas.old or memory.leaving or memory.left):
        return memory
    leaving: dict[int, str] = {}
    if at.app.spec.strategy.type is not StrategyType.RECREATE:
        leaving = _leaving(replicas, memory, ends)
    left = {n: end for n, end in memory.left.items() if n in leaving}
    if (leaving, left) == (memory.leaving, memory.left):
        return memory
    return replace(memory, leaving=leaving, left=left)


def settle(memory: AppMemory) -> AppMemory:
    """The memory after the revision that should run may have become another: what was outgoing and
    is now to stay keeps its ladder."""
    target = history.target(memory)
    if not memory.left or target is None:
        return memory
    kept = {n: end for n, end in memory.left.items() if same_revision(end.hash, target.hash)}
    rest = {n: end for n, end in memory.left.items() if n not in kept}
    return replace(memory, ended={**memory.ended, **kept}, left=rest) if kept else memory


def moments(at: AppSituation) -> Iterator[float]:
    """When those in backoff may be started, in boot seconds."""
    for number, hash in at.replicas.absent:
        ended = holds(at.memory, number, hash)
        if ended is not None and ended.retry_at is not None:
            yield ended.retry_at


def _leaving(replicas: Replicas, memory: AppMemory, ends: Container[str]) -> dict[int, str]:
    stopped = {p.tag.instance for p in replicas.old if p.tag.nonce in ends and not p.failed}
    replaced = stopped | replicas.up_numbers
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
