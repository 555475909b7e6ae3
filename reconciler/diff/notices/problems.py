"""Which events begin, continue and end a problem: one message when it comes, one when it goes.

A contract: the words of ``ProblemKind`` are in messages as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason as R


class ProblemKind(StrEnum):
    CRASHING = "Crashing"
    UNREADY = "NotReady"
    ROLLOUT = "RolloutFailed"
    JOB = "JobFailed"
    LEAK = "MemoryLeak"
    OUTPUT = "LogsDropped"
    STATE = "StateUnwritable"
    BLIND = "Blind"
    MANIFEST = "ManifestInvalid"


@dataclass(frozen=True, slots=True)
class Family:
    """The life of one kind of problem."""

    title: str
    """What follows the app's name in a message."""
    over: str
    """The same, when it is over."""
    begins: frozenset[str]
    continues: frozenset[str] = frozenset()
    """Events that are part of it, and begin none."""
    ends: frozenset[str] = frozenset()
    """It is over with one of these."""
    is_over_when_gone: bool = False
    """It is over when it cannot be seen any more (``Around.persists``)."""
    is_over_when_quiet: bool = False
    """And when nothing of it has happened for a while."""
    holds_for: float = 0.0
    """Seconds that it must last to be worth a message."""
    repeats_after: float = float("inf")
    """Seconds after which it is worth another message, if it has begun again meanwhile."""


def _of(*reasons: R) -> frozenset[str]:
    return frozenset(reason.value for reason in reasons)


FAMILIES: dict[ProblemKind, Family] = {
    ProblemKind.CRASHING: Family(
        "keeps crashing",
        "runs again",
        begins=_of(R.BACK_OFF, R.FAILED_CREATE),
        continues=_of(R.EXITED, R.OOM_KILLED, R.UNHEALTHY),
        is_over_when_gone=True,
        is_over_when_quiet=True,
    ),
    ProblemKind.UNREADY: Family(
        "is not ready",
        "is ready again",
        begins=_of(R.UNHEALTHY),
        is_over_when_gone=True,
        holds_for=30.0,
    ),
    ProblemKind.ROLLOUT: Family(
        "could not be updated",
        "is updated",
        begins=_of(R.PROGRESS_DEADLINE_EXCEEDED, R.PORT_CONFLICT, R.BUILD_FAILED, R.CANARY_FAILED),
        continues=_of(R.ROLLOUT_ABORTED),
        ends=_of(R.ROLLOUT_COMPLETE),
        repeats_after=0.0,  # each is another try of a person
    ),
    ProblemKind.JOB: Family(
        "has failed",
        "has succeeded again",
        begins=_of(R.BACKOFF_LIMIT_EXCEEDED, R.DEADLINE_EXCEEDED, R.MISS_SCHEDULE),
        continues=_of(R.EXITED, R.OOM_KILLED, R.BACK_OFF),
        ends=_of(R.COMPLETED),
        repeats_after=72_000.0,  # of one that runs each night each failure, of others one a day
    ),
    ProblemKind.LEAK: Family(
        "seems to leak memory",
        "does not grow any more",
        begins=_of(R.MEMORY_LEAK_SUSPECTED),
        ends=_of(R.MEMORY_STEADY, R.ROLLOUT_COMPLETE),
    ),
    ProblemKind.OUTPUT: Family(
        "loses output",
        "has its output written again",
        begins=_of(R.LOGS_DROPPED),
        ends=_of(R.LOGS_RECOVERED),
    ),
    ProblemKind.STATE: Family(
        "cannot write its state",
        "writes its state again",
        begins=_of(R.STATE_UNWRITABLE, R.JOURNAL_UNAVAILABLE),
        is_over_when_gone=True,
    ),
    ProblemKind.BLIND: Family(
        "cannot see what runs",
        "sees what runs again",
        begins=_of(R.FAILED_RELIST, R.FAILED_SAMPLING, R.FAILED_SYNC),
        is_over_when_gone=True,
        is_over_when_quiet=True,
    ),
    ProblemKind.MANIFEST: Family(
        "has a mistake in its manifests",
        "has no mistake in its manifests any more",
        begins=_of(R.MANIFEST_INVALID),
        is_over_when_gone=True,
    ),
}

DEFAULTS = frozenset[str]().union(*(family.begins for family in FAMILIES.values()))
"""The reasons of a target that names none."""


def begun_by(event: Event, *, is_job: bool) -> ProblemKind | None:
    """The problem that an event begins; a try of a Job that fails and comes again begins none."""
    if is_job and event.reason in FAMILIES[ProblemKind.CRASHING].begins:
        return None
    return next((kind for kind, one in FAMILIES.items() if event.reason in one.begins), None)
