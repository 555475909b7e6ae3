"""Recreate: all old ones stop; when the last is gone, the new ones start.

Source of the rule: Kubernetes, ``recreate.go``.
"""

from __future__ import annotations

from reconciler.diff.core.replicas import Replicas
from reconciler.model.state.observed import Process


def starts(replicas: Replicas) -> tuple[int, ...]:
    """Nothing while anything of another revision still runs."""
    return () if replicas.old or replicas.leaving_old else replicas.eligible


def stops(replicas: Replicas) -> tuple[Process, ...]:
    return (*replicas.extra, *replicas.old)
