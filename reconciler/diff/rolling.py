"""RollingUpdate: never more than maxSurge above, never more than maxUnavailable below.

Source of the arithmetic: Kubernetes' Deployment controller (``ResolveFenceposts``,
``NewRSNewReplicas``, ``reconcileOldReplicaSets``). One difference: a process that is stopping
still counts, because on one host it still holds its memory and its port; so ``maxSurge: 0``
means that an instance's successor starts when it is gone, not when it was told to go.
"""

from __future__ import annotations

from reconciler.diff.replicas import Replicas, is_available
from reconciler.model.manifest import AppSpec, Strategy
from reconciler.model.observed import Process
from reconciler.model.quantity import resolve_share


def fenceposts(strategy: Strategy, wanted: int) -> tuple[int, int]:
    """(surge, unavailable) in instances. Surge rounds up, unavailable down; both 0 means 1 down."""
    surge = resolve_share(strategy.max_surge, wanted, round_up=True)
    unavailable = resolve_share(strategy.max_unavailable, wanted, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, wanted)


def starts(spec: AppSpec, replicas: Replicas) -> tuple[int, ...]:
    """Instance numbers to start now: as many as the surge leaves room for.

    A number in backoff keeps its place, or a revision that crashes would be tried on all.
    """
    surge, _ = fenceposts(spec.strategy, replicas.wanted)
    present = len(replicas.current) + len(replicas.old) + len(replicas.stopping)
    room = replicas.wanted + surge - present - len(replicas.waiting) - len(replicas.done)
    return replicas.eligible[: max(0, room)]


def stops(spec: AppSpec, replicas: Replicas, now: float) -> tuple[Process, ...]:
    """Old processes to stop now: unhealthy ones first, then as availability allows.

    A process whose probe has not answered yet (after a restart of the controller) is neither
    healthy nor unhealthy: it is left alone until it is known.
    """
    if replicas.wanted == 0:
        return replicas.old
    _, unavailable = fenceposts(spec.strategy, replicas.wanted)
    floor = replicas.wanted - unavailable
    new_up = sum(is_available(process, spec, now) for process in replicas.current)
    healthy = [process for process in replicas.old if is_available(process, spec, now)]
    sick = [p for p in replicas.old if p not in healthy and p.ready is not None]

    new_down = len(replicas.current) - new_up + len(replicas.waiting)
    total = len(replicas.current) + len(replicas.waiting) + len(replicas.done) + len(replicas.old)
    cleanup = sick[: max(0, total - floor - new_down)]

    up = new_up + len(replicas.done) + len(healthy)
    successors = {p.tag.instance for p in replicas.current if is_available(p, spec, now)}
    healthy.sort(key=lambda p: (p.tag.instance not in successors, p.tag.instance))
    return (*cleanup, *healthy[: max(0, up - floor)])
