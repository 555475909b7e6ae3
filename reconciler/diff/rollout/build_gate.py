"""A rollout waits for its build: what is new is started when it is built, and not before.

The builder is a Job of its own (``desired.manifest.builder``); here is what its app makes of how it
stands. Until it is built, what runs is kept as it runs. A build that failed is a revision that
failed: what ran before it runs on, until the inputs, or the manifest, are edited.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from typing import Literal

from reconciler.diff.core import history
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout.freeze import freeze, ran_or_good
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.plan import Condition
from reconciler.model.state.reason import EventReason
from reconciler.model.state.standing import ObstacleReason

Build = Literal["none", "building", "failed", "built"]


def state_of(at: AppSituation) -> Build:
    """The state of the declared revision's build."""
    standing = at.builder
    if standing is None:
        return "none"
    if DependencyCondition.COMPLETED in standing.met:
        return "built"
    obstacle = standing.obstacle
    failed = obstacle is not None and obstacle.reason is ObstacleReason.FAILED
    return "failed" if failed else "building"


def judge(at: AppSituation) -> AppSituation:
    """Let a revision fail because, and as long as, its build has."""
    memory, revision, state = at.memory, at.revision, state_of(at)
    unbuilt = revision.number if _is_unbuilt(state) else 0
    if memory.unbuilt != unbuilt:
        memory = replace(memory, unbuilt=unbuilt)
    failure = history.failure_of(memory, revision) if revision.failed is not None else None
    if state == "failed" and revision.failed is None:
        why = f"its build {_failure(at)}"
        message = (
            f"revision {revision.number}: {why}; `recon logs {at.app.name}` shows what it wrote"
        )
        event = Event(at.app.name, EventReason.BUILD_FAILED, message, "Warning")
        return at.after(history.give_up(memory, Failure.BUILD, why), event)
    if failure is Failure.BUILD and state != "failed":
        return at.after(history.mark(memory, replace(revision, failed=None)))
    return at.after(memory)


def gate(at: AppSituation) -> Hold | None:
    """The hold of an app whose revision has yet to be built; None where it has been."""
    if not _is_unbuilt(state_of(at)):
        return None
    message = f"building ({_command(at.app)})"
    return freeze(at, "build", message, partial(ran_or_good, at), partial(_was_built, at.memory))


def condition_of(at: AppSituation) -> Condition | None:
    """The condition Built; None for an app without a build."""
    state = state_of(at)
    if state == "none":
        return None
    command = _command(at.app)
    if state == "built":
        return Condition("Built", "True", "BuildSucceeded", f"{command} succeeded")
    if state == "failed":
        return Condition("Built", "False", "BuildFailed", f"{command} {_failure(at)}")
    return Condition("Built", "Unknown", "Building", f"{command} runs, or is about to")


def note_of(at: AppSituation) -> str:
    """What comes before the rollout, a sentence; empty where nothing does."""
    return f"built first: {_command(at.app)}" if state_of(at) == "building" else ""


def _command(app: DesiredApp) -> str:
    return shlex.join(app.spec.build.command) if app.spec.build else ""


def _failure(at: AppSituation) -> str:
    """How a build that has failed did, to follow what failed."""
    return at.builder.obstacle.message if at.builder and at.builder.obstacle else ""


def _is_unbuilt(state: Build) -> bool:
    return state in ("building", "failed")


def _was_built(memory: AppMemory, hash: str) -> bool:
    """It is a revision that was built once, and did not prove bad: one that was good before may
    be what is declared again, and now its build has failed."""
    last = memory.revisions[-1]
    return last.good if memory.revision(hash) is last else memory.is_usable(hash)
