"""The revisions of an app: which one the manifest declares, which was good last.

As a Deployment's ReplicaSets: going back to an earlier template gives it a new number, and the
last good one is never forgotten, whatever ``revisionHistoryLimit`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.diff.core.documents import Documents
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory, Failure, GivenUp, Outcome, Recall
from reconciler.model.state.observed import Process
from reconciler.model.state.revision import Revision, same_revision
from reconciler.model.words.fields import deciding
from reconciler.model.words.nothing import NOTHING
from reconciler.model.words.record import replace

_DECIDING = deciding(AppSpec)


def record(memory: AppMemory, app: Workload, documents: Documents | None = None) -> AppMemory:
    """The memory in which the manifest's revision is the last one."""
    spec = (documents or Documents()).of(app, memory)
    marks = app.marks or NOTHING
    if memory.revisions and same_revision(memory.revisions[-1].hash, app.hash):
        return _applied(memory, app, spec)
    before, number = memory.revisions, memory.revisions[-1].number + 1 if memory.revisions else 1
    if before and before[-1].number == memory.unbuilt and not before[-1].good:
        before, number = before[:-1], number - 1  # nothing ever ran it: the next has its number
    earlier = memory.revision(app.hash)
    revision = Revision(number, app.hash, spec, marks, good=earlier is not None and earlier.good)
    kept = [known for known in before if known.hash != app.hash]
    return replace(
        memory,
        given_up={n: one for n, one in memory.given_up.items() if n != number} or NOTHING,
        revisions=(*_trim(kept, app.spec.revision_history_limit, memory), revision),
        progressed_at=None,
        progress=0,
    )


def presume_good(memory: AppMemory, processes: Sequence[Process]) -> AppMemory:
    """The memory in which what runs alone, and since before memory began, counts as good.

    The state directory was lost: that must cost history, never a process. A revision that may
    be in the middle of its rollout is not presumed so.
    """
    revision = memory.revisions[-1]
    if not processes or not all(same_revision(p.tag.hash, revision.hash) for p in processes):
        return memory
    return mark(memory, replace(revision, good=True))


def target(memory: AppMemory) -> Revision | None:
    """The revision that should run: the manifest's, or the last good one if that one failed."""
    if not memory.revisions:
        return None
    if memory.revisions[-1].failed is None:
        return memory.revisions[-1]
    return last_good(memory)


def last_good(memory: AppMemory) -> Revision | None:
    """The newest revision that was fully rolled out once, and did not fail since."""
    return next((r for r in reversed(memory.revisions) if r.good and r.failed is None), None)


def followed(memories: Mapping[str, AppMemory]) -> Mapping[str, Mapping[str, str]]:
    """By app, the content of what it watches that its last revision was made of."""
    return {
        name: memory.revisions[-1].spec.get("watched", {})
        for name, memory in memories.items()
        if memory.revisions
    }


def accounts_to(memory: AppMemory, process: Process) -> str | None:
    """The hash that an end of ``process`` counts for; None where nothing should run.

    That of the target: the end of a process that is being left means nothing. But where the
    rollout is held, or still needs it, what it ran is started again, on the same ladder.
    """
    held = is_held(memory)
    known = memory.revision(process.tag.hash)
    # Of what has yet to be built (again), the build may have failed, and not what ran of it.
    if held and known is not None and (known.failed is None or known.number == memory.unbuilt):
        return process.tag.hash
    if is_outgoing(memory, process):
        return process.tag.hash
    aim = target(memory)
    return aim.hash if aim else None


def is_held(memory: AppMemory) -> bool:
    """Whether the rollout of the last revision is held (see ``rollout.freeze``)."""
    last = memory.revisions[-1].number if memory.revisions else None
    held = memory.paused or last in (memory.canary, memory.unbuilt, memory.awaiting)
    return held or memory.recall is not Recall.WHOLE


def is_outgoing(memory: AppMemory, process: Process) -> bool:
    """Whether a process is of an earlier revision and serves until the rollout replaces it."""
    known = memory.revision(process.tag.hash)
    if is_held(memory) or known is None or known.failed is not None:
        return False
    return memory.leaving.get(process.tag.instance) == process.tag.hash


def mark(memory: AppMemory, revision: Revision) -> AppMemory:
    """The memory in which ``revision`` stands for the one of its number."""
    revisions = tuple(revision if r.number == revision.number else r for r in memory.revisions)
    return replace(memory, revisions=revisions)


def give_up(memory: AppMemory, reason: Failure, message: str, remedy: str = "") -> AppMemory:
    """The memory in which the last revision has failed."""
    revision = replace(memory.revisions[-1], failed=message)
    known = {one.number for one in memory.revisions}
    given_up = {n: one for n, one in memory.given_up.items() if n in known}
    given_up[revision.number] = GivenUp(reason, message, remedy)
    return mark(replace(memory, given_up=given_up), revision)


def failure_of(memory: AppMemory, revision: Revision) -> Failure:
    """Why a revision that has failed was given up."""
    known = memory.given_up.get(revision.number)
    return known.reason if known is not None else Failure.DEADLINE


def number_of(memory: AppMemory, hash: str) -> int:
    """The number of the revision that a process runs; 0 where it is not remembered."""
    found = next((r for r in reversed(memory.revisions) if same_revision(r.hash, hash)), None)
    return found.number if found else 0


def _applied(memory: AppMemory, app: Workload, spec: Mapping[str, Any]) -> AppMemory:
    """The same template: fields applied in place, or secrets marked with another key."""
    last = memory.revisions[-1]
    applied = last if last.spec == spec else replace(last, spec=spec)
    if app.marks is not None and (last.hash, last.marks) != (app.hash, app.marks):
        applied = replace(applied, hash=app.hash, marks=app.marks)
    if applied is last:
        return memory
    if applied.failed and any(applied.spec.get(f) != last.spec.get(f) for f in _DECIDING):
        # What made it fail may be what was edited: its probe, its deadline.
        applied = replace(applied, failed=None)
        memory = replace(memory, progressed_at=None, progress=0)
    return replace(memory, revisions=(*memory.revisions[:-1], applied))


def _trim(revisions: Sequence[Revision], limit: int, memory: AppMemory) -> list[Revision]:
    """The newest, the last good one, and those that some run of a Job has yet to try again."""
    good = next((r for r in reversed(revisions) if r.good and r.failed is None), None)
    needed = {run.hash for run in memory.runs if run.outcome is Outcome.ACTIVE}
    newest = revisions[-limit:]
    return [r for r in revisions if r in newest or r is good or r.hash in needed]
