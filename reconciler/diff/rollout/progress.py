"""Progress of a rollout, and the deadline after which a new revision is given up.

Kubernetes only reports ``ProgressDeadlineExceeded``; recon acts on it: the failed revision's
processes are removed, the last good ones run on, until the file changes. A revision that has
been fully available once stays good: the deadline is for deploys, not for outages.
"""

from __future__ import annotations

from reconciler.diff.core.backoff import holds
from reconciler.diff.core.history import give_up, mark
from reconciler.diff.core.replicas import Replicas, available_at
from reconciler.diff.core.situation import AppSituation
from reconciler.model.state.event import Event
from reconciler.model.state.memory import Failure
from reconciler.model.state.reason import EventReason
from reconciler.model.words.record import replace


def is_complete(replicas: Replicas) -> bool:
    """Every wanted instance is current and available (or ended for good), and no other runs."""
    return replicas.settled and _up(replicas) + len(replicas.done) == replicas.wanted


def advance(at: AppSituation) -> AppSituation:
    """Look how far the rollout is: it is complete, goes on, or is given up.

    While it is held nothing is complete and no deadline runs; when that ends the deadline begins
    again. Nor does it run while the host refuses a start: that says nothing of the revision.
    """
    app, replicas, memory, revision = at.app, at.replicas, at.memory, at.revision
    waits = at.held is not None and at.held.waits
    if not waits and is_complete(replicas):
        done = without_rollout(at)
        if revision.good or revision.failed or app.spec.suspend or replicas.wanted == 0:
            return done
        message = f"revision {revision.number} is available"
        good = mark(done.memory, replace(revision, good=True))
        return done.after(good, Event(app.name, EventReason.ROLLOUT_COMPLETE, message))
    to_nothing = replicas.wanted == 0 and not revision.failed
    if waits or to_nothing or app.name in at.moment.refused:  # no process of it can be late
        return without_rollout(at)
    progress = _measure(replicas)
    if memory.progressed_at is None or progress > memory.progress or _is_untried(at):
        return at.after(replace(memory, progressed_at=at.now, progress=progress))
    limit = app.spec.progress_deadline_seconds
    if revision.good or revision.failed or at.now < deadline(at) or _is_undecided(at):
        return at
    why = f"revision {revision.number} made no progress for {limit:g} s"
    event = Event(app.name, EventReason.PROGRESS_DEADLINE_EXCEEDED, why, "Warning")
    return at.after(give_up(memory, Failure.DEADLINE, why), event)


def deadline(at: AppSituation) -> float:
    """Boot seconds at which a rollout without progress fails."""
    assert at.memory.progressed_at is not None
    return at.memory.progressed_at + at.app.spec.progress_deadline_seconds


def without_rollout(at: AppSituation) -> AppSituation:
    """The situation in which no deadline runs."""
    if at.memory.progressed_at is None:
        return at
    return at.after(replace(at.memory, progressed_at=None, progress=0))


def _is_undecided(at: AppSituation) -> bool:
    """Whether a new process may yet turn out well without anything else happening.

    So after the controller, or the whole machine, was away beyond the deadline: probes have not
    answered yet, or have just answered and ``minReadySeconds`` runs. That is not a failure.
    """
    for process in at.replicas.current:
        ready_at = available_at(process, at.app.spec)
        if process.ready is None or (ready_at is not None and ready_at > at.now):
            return True
    return False


def _is_untried(at: AppSituation) -> bool:
    """Whether the deadline has passed and no process of the revision was there to judge it by: the
    controller was away, and what it had begun has ended unseen."""
    assert at.memory.progressed_at is not None
    replicas, target = at.replicas, at.replicas.target
    if target is None or at.now < deadline(at) or replicas.current or not replicas.eligible:
        return False
    return not any(holds(at.memory, number, target) for number in range(replicas.wanted))


def _up(replicas: Replicas) -> int:
    return sum(process.tag.nonce in replicas.up for process in replicas.current)


def _measure(replicas: Replicas) -> int:
    """Grows with every step forward: updated and available up, old ones down."""
    up = _up(replicas)
    left = len(replicas.old) + len(replicas.extra) + len(replicas.stopping)
    left += len(replicas.absent)
    # Above any count of processes, so that 0 can mean "no rollout yet".
    return 1_000_000 + len(replicas.current) + up + len(replicas.done) - left
