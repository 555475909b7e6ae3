"""An update waits for the Job that it depends on by `Completed`: a migration and the code that
needs it may be edited in one commit.

The rollout is held (see ``rollout.freeze``) until that Job has completed the revision that its
manifest declares; a run that has failed holds it on, and what runs keeps serving. A Job that has
completed what it declares holds nothing, nor does one that runs by the clock.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from reconciler.diff.core import dependencies
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout.freeze import freeze, ran_or_good
from reconciler.model.spec.dependency import Dependency, DependencyCondition
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Wait

SETTLE = 1.0
"""Seconds for which any update of such an app waits, so that both edits of one commit are seen,
whatever the order in which the files are written."""


def judge(at: AppSituation) -> AppSituation:
    """Note whether the last revision waits for a Job."""
    memory, revision = at.memory, at.revision
    if revision.good or revision.failed or not _jobs(at):
        return _noted(at, 0, None)
    until = memory.awaiting_until
    outdated = any(not same_revision(p.tag.hash, revision.hash) for p in at.replicas.old)
    if at.is_new_revision:
        until = at.now + SETTLE if memory.begun else None
    waits = _unmet(at) is not None or (until is not None and at.now < until)
    begins = at.is_new_revision and memory.begun
    held = waits and (outdated or begins or memory.awaiting == revision.number)
    return _noted(at, revision.number if held else 0, until if held else None)


def wait_to_start(at: AppSituation) -> AppSituation:
    """Note what a start from nothing waits for: while the update waits for a Job, what runs starts
    without it."""
    needs = at.app.spec.depends_on
    if at.memory.awaiting:
        held = {need.app for need in _jobs(at)}
        needs = tuple(need for need in needs if need.app not in held)
    waiting = dependencies.waiting_for(at, needs) if needs else None
    return replace(at, waiting=waiting) if waiting is not None else at


def gate(at: AppSituation) -> Hold | None:
    """The hold of an update that waits for a Job; None where it does not."""
    if not at.memory.awaiting:
        return None
    wait = _unmet(at)
    message = f"update {wait.message if wait else 'waiting for the manifests to settle'}"
    may_run = partial(_is_earlier, at.memory)
    until = at.memory.awaiting_until
    return freeze(at, "dependency", message, partial(ran_or_good, at), may_run, until=until)


def wait_of(at: AppSituation) -> Wait | None:
    """What comes before the update; None where nothing does."""
    return _unmet(at) if at.memory.awaiting else None


def _unmet(at: AppSituation) -> Wait | None:
    """Which Jobs have yet to complete what they declare; None where none has."""
    return dependencies.unmet(_jobs(at), at.moment.standings)


def _jobs(at: AppSituation) -> list[Dependency]:
    """The dependencies that complete because they are edited."""
    standings = at.moment.standings
    return [
        need
        for need in at.app.spec.depends_on
        if need.condition is DependencyCondition.COMPLETED
        and (seen := standings.get(need.app)) is not None
        and not seen.by_clock
    ]


def _noted(at: AppSituation, number: int, until: float | None) -> AppSituation:
    if (at.memory.awaiting, at.memory.awaiting_until) == (number, until):
        return at
    return at.after(replace(at.memory, awaiting=number, awaiting_until=until))


def _is_earlier(memory: AppMemory, hash: str) -> bool:
    """A program of that revision can be started, and is not what waits."""
    return memory.is_usable(hash) and memory.revision(hash) is not memory.revisions[-1]
