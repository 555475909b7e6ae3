"""RollingUpdate: never more than maxSurge above, never more than maxUnavailable below.

Source of the arithmetic: Kubernetes' Deployment controller (``ResolveFenceposts``,
``NewRSNewReplicas``, ``reconcileOldReplicaSets``). One difference: a process that is stopping
still counts, because on one host it still holds its memory and its port; so ``maxSurge: 0``
means that an instance's successor starts when it is gone, not when it was told to go.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from reconciler.diff.core.replicas import Replicas, Returning
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.strategy import Strategy
from reconciler.model.state.observed import Process
from reconciler.model.words.quantity import resolve_share


def fenceposts(strategy: Strategy, wanted: int) -> tuple[int, int]:
    """(surge, unavailable) in instances. Surge rounds up, unavailable down; both 0 means 1 down."""
    return _fenceposts(strategy.max_surge, strategy.max_unavailable, wanted)


@lru_cache  # asked five times a pass
def _fenceposts(max_surge: int | str, max_unavailable: int | str, wanted: int) -> tuple[int, int]:
    surge = resolve_share(max_surge, wanted, round_up=True)
    unavailable = resolve_share(max_unavailable, wanted, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, wanted)


def starts(spec: AppSpec, replicas: Replicas) -> tuple[int, ...]:
    """Instance numbers to start now: as many as the surge leaves room for.

    A number in backoff keeps its place, or a revision that crashes would be tried on all. So does
    an old instance that is to come back.
    """
    ended = len(replicas.waiting) + len(replicas.done) + len(replicas.lost)
    room = _room(spec, replicas) - ended - len(replicas.absent)
    return replicas.eligible[: max(0, room)]


def restarts(spec: AppSpec, replicas: Replicas) -> tuple[Returning, ...]:
    """Old instances to start again now."""
    return replicas.returning[: max(0, _room(spec, replicas))]


def _room(spec: AppSpec, replicas: Replicas) -> int:
    """How many processes more there may be at once."""
    surge, _ = fenceposts(spec.strategy, replicas.wanted)
    surplus = len(replicas.old) + len(replicas.extra) + len(replicas.stopping)
    return replicas.wanted + surge - len(replicas.current) - surplus


def stops(spec: AppSpec, replicas: Replicas) -> tuple[Process, ...]:
    """Old and extra processes to stop now: unhealthy ones first, then as availability allows.

    A process whose probe has not answered yet (after a restart of the controller) is neither
    healthy nor unhealthy: it is left alone until it is known.
    """
    surplus = (*replicas.old, *replicas.extra)
    if replicas.wanted == 0:
        return surplus
    _, unavailable = fenceposts(spec.strategy, replicas.wanted)
    floor = replicas.wanted - unavailable
    up = replicas.up
    new_up = sum(process.tag.nonce in up for process in replicas.current) + len(replicas.done)
    healthy = [process for process in surplus if process.tag.nonce in up]
    sick = [p for p in surplus if p.tag.nonce not in up and p.ready is not None]

    # Kubernetes' maxCleanupCount; what is new and down comes off on both sides of it.
    cleanup = sick[: max(0, new_up + len(surplus) - floor)]
    healthy.sort(key=_order(replicas))
    return (*cleanup, *healthy[: max(0, new_up + len(healthy) - floor)])


def _order(replicas: Replicas) -> Callable[[Process], tuple[bool, int, int]]:
    """Healthy ones in the order in which they are to go: those that are least missed first."""
    extra = {process.tag.nonce for process in replicas.extra}
    succeeded = {p.tag.instance for p in replicas.current if p.tag.nonce in replicas.up}

    def key(process: Process) -> tuple[bool, int, int]:
        number = process.tag.instance
        if process.tag.nonce in extra:
            return (False, 0, -number)
        return (not process.outgrown, 1 if number in succeeded else 2, number)

    return key
