"""Progress of a rollout, and the deadline after which a new revision is given up.

Kubernetes only reports ``ProgressDeadlineExceeded``; recon acts on it: the failed revision's
processes are removed, the last good ones run on, until the file changes. A revision that has
been fully available once is good for ever: the deadline is for deploys, not for outages.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core.history import give_up, mark
from reconciler.diff.core.replicas import Replicas, available_at
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure


def is_complete(spec: AppSpec, replicas: Replicas, now: float) -> bool:
    """Every wanted instance is current and available (or ended for good), and no other runs."""
    return replicas.settled and _up(replicas) + len(replicas.done) == replicas.wanted


def advance(
    app: str,
    spec: AppSpec,
    replicas: Replicas,
    memory: AppMemory,
    now: float,
    *,
    waits: bool = False,
) -> tuple[AppMemory, tuple[Event, ...]]:
    """The memory after looking at how far the rollout is, and what is to be told of it.

    ``waits``: it is held (see ``hold``), so that nothing is complete and no deadline runs; when
    that ends the deadline begins anew.
    """
    revision = memory.revisions[-1]
    if not waits and is_complete(spec, replicas, now):
        done = without_rollout(memory)
        if revision.good or revision.failed or spec.suspend or replicas.wanted == 0:
            return done, ()
        told = Event(app, "RolloutComplete", f"revision {revision.number} is available")
        return mark(done, replace(revision, good=True)), (told,)
    if waits or (replicas.wanted == 0 and not revision.failed):
        # On its way to nothing: no process of it can be late.
        return without_rollout(memory), ()
    progress = _measure(replicas)
    if memory.progressed_at is None or progress > memory.progress:
        return replace(memory, progressed_at=now, progress=progress), ()
    decided = revision.good or revision.failed
    if decided or now < deadline(spec, memory) or is_undecided(spec, replicas, now):
        return memory, ()
    why = f"revision {revision.number} made no progress for {spec.progress_deadline_seconds:g} s"
    failed = give_up(memory, Failure.DEADLINE, why)
    return failed, (Event(app, "ProgressDeadlineExceeded", why, "Warning"),)


def deadline(spec: AppSpec, memory: AppMemory) -> float:
    """Boot seconds at which a rollout without progress fails."""
    assert memory.progressed_at is not None
    return memory.progressed_at + spec.progress_deadline_seconds


def is_undecided(spec: AppSpec, replicas: Replicas, now: float) -> bool:
    """Whether a new process may yet turn out well without anything else happening.

    So after the controller, or the whole machine, was away beyond the deadline: probes have not
    answered yet, or have just answered and ``minReadySeconds`` runs. That is no failure.
    """
    for process in replicas.current:
        at = available_at(process, spec)
        if process.ready is None or (at is not None and at > now):
            return True
    return False


def without_rollout(memory: AppMemory) -> AppMemory:
    """The memory in which no deadline runs."""
    if memory.progressed_at is None:
        return memory
    return replace(memory, progressed_at=None, progress=0)


def _up(replicas: Replicas) -> int:
    return sum(process.tag.nonce in replicas.up for process in replicas.current)


def _measure(replicas: Replicas) -> int:
    """Grows with every step forward: updated and available up, old ones down."""
    up = _up(replicas)
    left = len(replicas.old) + len(replicas.extra) + len(replicas.stopping)
    left += len(replicas.absent)
    # Above any count of processes, so that 0 can mean "no rollout yet".
    return 1_000_000 + len(replicas.current) + up + len(replicas.done) - left
