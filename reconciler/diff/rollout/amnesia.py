"""An app whose memory is not whole: nothing is done that only its memory could forbid.

The journal cannot be read now (``Recall.UNREAD``), or the app's record was damaged (``LOST``). What
runs is kept as it runs, and what crashes comes back, as while a rollout is paused: perhaps it was.
What is declared and does not run at all is started, since its absence serves no purpose.

A lost memory counts as whole again as soon as nothing depends on it: all that runs is what is
declared, or the manifest was edited, or a user asks for the rollout (or the run).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from reconciler.diff.core.hold import Hold
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import AppSituation, JobSituation, Situation
from reconciler.diff.rollout.freeze import freeze, ran
from reconciler.model.state.builder import built_by
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Obstacle, ObstacleReason

S = TypeVar("S", bound=Situation)


def settle(at: AppSituation) -> AppSituation:
    """Call the memory of an App whole again where what was lost of it makes no difference."""
    if at.memory.recall is not Recall.LOST:
        return at
    alive = [process for process in at.processes if process.state is not RunState.STOPPING]
    others = any(not same_revision(process.tag.hash, at.app.hash) for process in alive)
    return at if others and not _is_edited(at) else _marked_whole(at)


def settle_job(at: JobSituation) -> JobSituation:
    """Do the same for a Job. What it declares counts as called for: it may have run.

    With a schedule it missed nothing, and a build does no harm however often it is made.
    """
    app, memory = at.app, at.memory
    if memory.recall is Recall.WHOLE:
        return at
    if built_by(app.name) is not None:
        return _marked_whole(at)
    if memory.recall is not Recall.LOST:
        return at
    has_run = any(same_revision(run.hash, at.revision.hash) for run in memory.runs)
    if has_run or app.spec.schedule is not None or _is_edited(at):
        return _marked_whole(at)
    if memory.called_revision == at.revision.number:
        return at
    return at.after(replace(memory, called_revision=at.revision.number))


def gate(at: AppSituation) -> Hold | None:
    """The hold of an app that may not be rolled out without its memory."""
    memory, target = at.memory, at.replicas.target
    if memory.recall is Recall.WHOLE or not _is_rolling(at.replicas, memory):
        return None

    def candidates(number: int, kept: Sequence[Process]) -> Iterator[str]:
        yield from ran(at, number, kept)
        yield from (target,) if target else ()

    return freeze(at, "memory", _message(at.app.name, memory.recall), candidates, memory.is_usable)


def withheld(at: JobSituation) -> str:
    """Why no run of a Job may be started now, a sentence; empty where it may."""
    if built_by(at.app.name) is not None:
        return ""
    if at.memory.recall is Recall.UNREAD:
        return "no run starts until the journal can be read"
    if not at.moment.journal.writable:
        return "no run starts until the journal can be written"
    return ""


def obstacle(app: str, memory: AppMemory) -> Obstacle | None:
    """What keeps a Job from being called for; None where nothing does."""
    if memory.recall is not Recall.LOST:
        return None
    message = f"may have run: its record was lost. `recon run-job {app}` runs it"
    return Obstacle(ObstacleReason.RECORD_LOST, message)


def _is_edited(at: Situation) -> bool:
    """The manifest declares another revision than the last that is remembered."""
    return bool(at.before.revisions) and at.is_new_revision


def _marked_whole(at: S) -> S:
    return at.after(replace(at.memory, recall=Recall.WHOLE))


def _is_rolling(replicas: Replicas, memory: AppMemory) -> bool:
    """Something of another revision runs, or ran until it crashed."""
    if replicas.old or replicas.spared:
        return True
    there = {process.tag.instance for process in replicas.current}
    return any(
        replicas.target is not None and not same_revision(ended.hash, replicas.target)
        for number, ended in memory.ended.items()
        if number < replicas.wanted and number not in there and memory.is_usable(ended.hash)
    )


def _message(app: str, recall: Recall) -> str:
    if recall is Recall.UNREAD:
        return "rollout held until the journal can be read"
    message = "rollout held: its history was lost"
    return f"{message}; `recon rollout resume {app}` continues it"
