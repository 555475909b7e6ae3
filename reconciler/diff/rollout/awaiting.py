"""An update waits for the Job that it depends on by `Completed`: a migration and the code that
needs it may be edited in one commit.

The rollout is held (see ``hold``) until that Job has completed the revision that its manifest
declares; a run that has failed holds it on, and what runs serves on. A Job that has completed
what it declares holds nothing, nor does one that runs by the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.diff.core import dependencies
from reconciler.diff.core.dependencies import Wait
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.rollout.hold import Hold, hold
from reconciler.model.spec.dependency import Dependency, DependencyCondition
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Standing

SETTLE = 1.0
"""Seconds for which any update of such an app waits, so that both edits of one commit are seen,
whatever the order in which the files are written."""


def judge(
    spec: AppSpec,
    replicas: Replicas,
    before: AppMemory,
    memory: AppMemory,
    now: float,
    *,
    standings: Mapping[str, Standing],
) -> AppMemory:
    """The memory that knows whether the last revision waits for a Job."""
    revision, until = memory.revisions[-1], memory.awaiting_until
    if revision.good or revision.failed or not any(_needs(spec, standings)):
        return _noted(memory, 0, None)
    is_new = not before.revisions or before.revisions[-1].number != revision.number
    outdated = any(not same_revision(p.tag.hash, revision.hash) for p in replicas.old)
    if is_new:
        until = now + SETTLE if memory.begun else None
    waits = unmet(spec, standings) is not None or (until is not None and now < until)
    is_update = outdated or (is_new and memory.begun) or memory.awaiting == revision.number
    held = waits and is_update
    return _noted(memory, revision.number if held else 0, until if held else None)


def of(
    spec: AppSpec,
    replicas: Replicas,
    memory: AppMemory,
    now: float,
    standings: Mapping[str, Standing],
) -> Hold | None:
    """The hold of an update that waits for a Job; None where it does not."""
    if not memory.awaiting:
        return None
    wait = unmet(spec, standings)

    def revision_of(number: int, kept: Sequence[Process]) -> str | None:
        ended = memory.ended.get(number)
        ran = [ended.hash] if ended is not None else []
        ran += [hash for hash, _ in Counter(p.tag.hash for p in kept).most_common()]
        ran += [known.hash for known in reversed(memory.revisions[:-1]) if known.good]
        return next((hash for hash in ran if _is_earlier(hash, memory)), None)

    return hold(
        "dependency",
        spec,
        replicas,
        memory,
        now,
        open_numbers=frozenset(),
        revision_of=revision_of,
        message=f"update {wait.message if wait else 'waiting for the manifests to settle'}",
        until=memory.awaiting_until,
    )


def wait_of(spec: AppSpec, memory: AppMemory, standings: Mapping[str, Standing]) -> Wait | None:
    """What comes before the update; None where nothing does."""
    return unmet(spec, standings) if memory.awaiting else None


def of_the_old(spec: AppSpec, memory: AppMemory, standings: Mapping[str, Standing]) -> AppSpec:
    """What a start from nothing needs: while the update waits for a Job, what runs without it."""
    if not memory.awaiting:
        return spec
    held = {need.app for need in _needs(spec, standings)}
    rest = tuple(need for need in spec.depends_on if need.app not in held)
    return spec.model_copy(update={"depends_on": rest})


def unmet(spec: AppSpec, standings: Mapping[str, Standing]) -> Wait | None:
    """Which Jobs have yet to complete what they declare; None where none has."""
    needs = tuple(_needs(spec, standings))
    return dependencies.unmet(spec.model_copy(update={"depends_on": needs}), standings)


def _needs(spec: AppSpec, standings: Mapping[str, Standing]) -> Iterator[Dependency]:
    for need in spec.depends_on:
        seen = standings.get(need.app)
        by_clock = seen is None or seen.by_clock
        if need.condition is DependencyCondition.COMPLETED and not by_clock:
            yield need


def _noted(memory: AppMemory, number: int, until: float | None) -> AppMemory:
    if (memory.awaiting, memory.awaiting_until) == (number, until):
        return memory
    return replace(memory, awaiting=number, awaiting_until=until)


def _is_earlier(hash: str, memory: AppMemory) -> bool:
    """A program of that revision can be started, and is not what waits."""
    known = memory.revision(hash)
    return known is not None and known is not memory.revisions[-1] and known.failed is None
