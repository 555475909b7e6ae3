"""A rollout waits for its build: what is new is started when it is built, and not before.

The builder is a Job of its own (``desired.builder``); here is what its app makes of how it stands.
Until it is built, what runs is kept as it runs. A build that failed is a revision that failed: what
ran before it runs on, until the inputs, or the manifest, are edited.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from reconciler.diff.core import history
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.rollout.hold import Hold, hold
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.observed import Process
from reconciler.model.state.plan import Condition
from reconciler.model.state.standing import UNDECLARED, ObstacleReason, Standing

Build = Literal["none", "building", "failed", "built"]


def state_of(app: DesiredApp, standing: Standing | None) -> Build:
    """How the build of what is declared is."""
    if app.builder is None:
        return "none"
    standing = standing or UNDECLARED
    if DependencyCondition.COMPLETED in standing.met:
        return "built"
    obstacle = standing.obstacle
    failed = obstacle is not None and obstacle.reason is ObstacleReason.FAILED
    return "failed" if failed else "building"


def judge(
    app: DesiredApp, memory: AppMemory, standing: Standing | None
) -> tuple[AppMemory, tuple[Event, ...]]:
    """The memory in which a revision has failed because, and as long as, its build has."""
    revision, state = memory.revisions[-1], state_of(app, standing)
    unbuilt = revision.number if _is_unbuilt(state) else 0
    if memory.unbuilt != unbuilt:
        memory = replace(memory, unbuilt=unbuilt)
    failure = history.failure_of(memory, revision) if revision.failed is not None else None
    if state == "failed" and revision.failed is None:
        why = f"its build {_failure(standing)}"
        told = f"revision {revision.number}: {why}; `recon logs {app.name}` shows what it wrote"
        event = Event(app.name, "BuildFailed", told, "Warning")
        return history.give_up(memory, Failure.BUILD, why), (event,)
    if failure is Failure.BUILD and state != "failed":
        return history.mark(memory, replace(revision, failed=None)), ()
    return memory, ()


def of(
    app: DesiredApp,
    replicas: Replicas,
    memory: AppMemory,
    now: float,
    standing: Standing | None,
) -> Hold | None:
    """The hold of an app whose revision has yet to be built; None where it has been."""
    if not _is_unbuilt(state_of(app, standing)):
        return None

    def revision_of(number: int, kept: Sequence[Process]) -> str | None:
        ended = memory.ended.get(number)
        ran = [ended.hash] if ended is not None else []
        ran += [hash for hash, _ in Counter(process.tag.hash for process in kept).most_common()]
        ran += [known.hash for known in reversed(memory.revisions[:-1]) if known.good]
        return next((hash for hash in ran if _was_built(hash, memory)), None)

    return hold(
        "build",
        app.spec,
        replicas,
        memory,
        now,
        open_numbers=frozenset(),
        revision_of=revision_of,
        message=f"building ({_command(app)})",
    )


def condition_of(app: DesiredApp, standing: Standing | None) -> Condition | None:
    """Whether what is declared is built; None for an app that is not built at all."""
    state = state_of(app, standing)
    if state == "none":
        return None
    if state == "built":
        return Condition("Built", "True", "BuildSucceeded", f"{_command(app)} succeeded")
    if state == "failed":
        told = f"{_command(app)} {_failure(standing)}"
        return Condition("Built", "False", "BuildFailed", told)
    return Condition("Built", "Unknown", "Building", f"{_command(app)} runs, or is about to")


def note_of(app: DesiredApp, standing: Standing | None) -> str:
    """What comes before the rollout, a sentence; empty where nothing does."""
    return f"built first: {_command(app)}" if state_of(app, standing) == "building" else ""


def _command(app: DesiredApp) -> str:
    return shlex.join(app.spec.build.command) if app.spec.build else ""


def _failure(standing: Standing | None) -> str:
    """How a build that has failed did, to follow what failed."""
    return standing.obstacle.message if standing and standing.obstacle else ""


def _is_unbuilt(state: Build) -> bool:
    return state in ("building", "failed")


def _was_built(hash: str, memory: AppMemory) -> bool:
    """It is a revision that was built once, and did not prove bad: one that was good before may
    be what is declared again, and now its build has failed."""
    known = memory.revision(hash)
    if known is None:
        return False
    return known.good if known is memory.revisions[-1] else known.failed is None
