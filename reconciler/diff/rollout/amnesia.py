"""An app whose memory is not whole: nothing is done that only its memory could forbid.

The journal cannot be read now (``Recall.UNREAD``), or the app's record was damaged (``LOST``). What
runs is kept as it runs, and what crashes comes back, as while a rollout is paused: perhaps it was.
What is declared and does not run at all is started, since nobody is served by its absence.

A lost memory counts as whole again as soon as nothing depends on it: all that runs is what is
declared, or the manifest was edited, or somebody asks for the rollout (or the run).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from reconciler.diff.core.replicas import Replicas
from reconciler.diff.rollout.hold import Hold, hold
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory, JournalState, Recall
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Obstacle, ObstacleReason


def settle(
    app: DesiredApp, processes: Sequence[Process], before: AppMemory, memory: AppMemory
) -> AppMemory:
    """The memory of an App, whole again where what was lost of it makes no difference.

    ``before``: as it was, ``memory``: with the revision that the manifest declares.
    """
    if memory.recall is not Recall.LOST:
        return memory
    alive = [process for process in processes if process.state is not RunState.STOPPING]
    others = any(not same_revision(process.tag.hash, app.hash) for process in alive)
    return memory if others and not is_edited(before, memory) else replace(memory, recall=_WHOLE)


def settle_job(app: DesiredApp, before: AppMemory, memory: AppMemory) -> AppMemory:
    """The same of a Job. What it declares counts as called for: it may have run.

    With a schedule it missed nothing, and a build does no harm however often it is made.
    """
    if built_by(app.name) is not None:
        return memory if memory.recall is _WHOLE else replace(memory, recall=_WHOLE)
    if memory.recall is not Recall.LOST:
        return memory
    revision = memory.revisions[-1]
    ran = any(same_revision(run.hash, revision.hash) for run in memory.runs)
    scheduled = app.job is not None and app.job.schedule is not None
    if ran or scheduled or is_edited(before, memory):
        return replace(memory, recall=_WHOLE)
    if memory.called_revision == revision.number:
        return memory
    return replace(memory, called_revision=revision.number)


def is_edited(before: AppMemory, memory: AppMemory) -> bool:
    """Whether the manifest declares another revision than the last that is remembered."""
    return bool(before.revisions) and before.revisions[-1].number != memory.revisions[-1].number


def of(app: str, spec: AppSpec, replicas: Replicas, memory: AppMemory, now: float) -> Hold | None:
    """The hold of an app that may not be rolled out for want of memory."""
    if memory.recall is _WHOLE or not _rolls(replicas, memory):
        return None

    def revision_of(number: int, kept: Sequence[Process]) -> str | None:
        ended = memory.ended.get(number)
        ran = [ended.hash] if ended is not None else []
        ran += [hash for hash, _ in Counter(one.tag.hash for one in kept).most_common()]
        usable = (hash for hash in ran if _is_usable(hash, memory))
        return next(usable, replicas.target)

    return hold(
        "memory",
        spec,
        replicas,
        memory,
        now,
        open_numbers=frozenset(),
        revision_of=revision_of,
        message=_message(app, memory.recall),
    )


def withheld(app: DesiredApp, memory: AppMemory, journal: JournalState) -> str:
    """Why no run of a Job may be started now, a sentence; empty where it may."""
    if built_by(app.name) is not None:
        return ""
    if memory.recall is Recall.UNREAD:
        return "no run begins until the journal can be read"
    if not journal.writable:
        return "no run begins until the journal can be written"
    return ""


def obstacle(app: str, memory: AppMemory) -> Obstacle | None:
    """What keeps a Job from being called for; None where nothing does."""
    if memory.recall is not Recall.LOST:
        return None
    message = f"may have run: its record was lost. `recon run-job {app}` runs it"
    return Obstacle(ObstacleReason.RECORD_LOST, message)


def _rolls(replicas: Replicas, memory: AppMemory) -> bool:
    """Something of another revision runs, or ran until it crashed."""
    if replicas.old or replicas.spared:
        return True
    there = {process.tag.instance for process in replicas.current}
    return any(
        replicas.target is not None and not same_revision(ended.hash, replicas.target)
        for number, ended in memory.ended.items()
        if number < replicas.wanted and number not in there and _is_usable(ended.hash, memory)
    )


def _message(app: str, recall: Recall) -> str:
    if recall is Recall.UNREAD:
        return "rollout held until the journal can be read"
    told = "rollout held: what was remembered of it was lost"
    return f"{told}; `recon rollout resume {app}` goes on"


def _is_usable(hash: str, memory: AppMemory) -> bool:
    """A program of that revision can be started, and did not prove bad."""
    revision = memory.revision(hash)
    return revision is not None and revision.failed is None and bool(revision.spec)


_WHOLE = Recall.WHOLE
