"""The whole way of an app from what runs to what is declared: what `apply --dry-run` prints.

``actions`` of a plan are only its next step; a rollout takes many. This counts them all.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.diff.core.history import number_of
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.lint.advice import shell_remedy
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.rollout import canary
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.diff.status.fields import changed_fields
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process
from reconciler.model.state.plan import Adjust, Change
from reconciler.model.state.revision import Revision, same_revision, spec_of


def change_of(
    at: AppSituation, declared: DesiredApp, *, waits: Sequence[str], adjusted: Sequence[Adjust]
) -> Change:
    """The change of a declared app. ``declared``: the app as it stands in its file, where not all
    of that may run (``admission``), ``waits``: what it has to wait for, sentences, ``adjusted``:
    limits to be put in force."""
    app, replicas, before = at.app, at.replicas, at.before
    running = _running_revision(at)
    # One in backoff is as it was declared; that it waits is its health, not a change.
    current = replicas.current
    as_declared = (*current, *replicas.waiting, *replicas.done, *replicas.lost)
    missing = len(replicas.eligible) + len(replicas.blocked)
    ahead = min(len(replicas.old), replicas.wanted - len(as_declared))
    # In the middle of a rollout a successor runs beside the process that it replaces.
    under_way = min(len(replicas.old) - ahead, len(_numbers(replicas.old) & _numbers(current)))
    replaced = ahead + under_way
    last = at.revision
    same = running is not None and (running.spec, running.marks) == (last.spec, last.marks)
    same = same and declared is app
    # Spares the common case, a pass in which no field differs, half of its cost.
    fields = () if same else changed_fields(running, declared)
    start = max(0, missing - ahead)
    stop = len(replicas.old) - replaced + len(replicas.extra)
    notes = _notes(at, replaced)
    notes += waits
    if adjusted and not any(field.path.partition(".")[0] == "limits" for field in fields):
        for one in adjusted:
            changes = "; ".join(one.changes.values())
            notes.append(f"pid {one.process.id.pid}, changed by hand: {changes}")
    remedy = shell_remedy(app.spec, app.line)
    notes += [f"advice: its command needs a shell; {remedy}"] if remedy else []
    new = not before.revisions and not (replicas.current or replicas.old or replicas.stopping)
    if new and replicas.wanted:
        action = "create"
    else:
        action = "update" if fields or start or stop or replaced or adjusted else "none"
    return Change(
        app.name,
        action,  # type: ignore[arg-type]  # mypy widens the literals of a conditional
        running.number if running else _known_number(replicas.old, before),
        last.number,
        fields,
        start,
        replaced,
        stop,
        len(as_declared) - under_way,
        tuple(notes),
    )


def _numbers(processes: Sequence[Process]) -> set[int]:
    return {process.tag.instance for process in processes}


def removal_of(
    name: str, processes: Sequence[Process], memory: AppMemory, absence: Absence
) -> Change:
    """The change of an app that no manifest declares."""
    number = memory.revisions[-1].number if memory.revisions else None
    if absence.verdict is not Verdict.DELETE:
        held = len(processes)
        waits = absence.verdict.waits_for_a_person
        note = (absence.reason,)
        return Change(name, "none", number, None, (), 0, 0, 0, held, note, held=waits)
    note = (absence.reason,)
    if processes:
        note = (f"{absence.reason}: stop {_by_pid(processes)} ({describe_stop(memory)})",)
    return Change(name, "delete", number, None, (), 0, 0, len(processes), 0, note)


def _by_pid(processes: Sequence[Process]) -> str:
    """The processes, by pid; those of a review (``base.as_observed``) have none."""
    pids = [str(process.id.pid) for process in processes if process.id.pid]
    if pids:
        return f"pid {', '.join(pids)}"
    return f"{len(processes)} instance{'s' if len(processes) > 1 else ''}"


def describe_stop(memory: AppMemory) -> str:
    """How its last known spec asks it to end, in words."""
    spec = last_spec(memory)
    grace = spec.termination_grace_period_seconds
    return f"{spec.stop.signal}, then SIGKILL after {grace:g} s"


def last_spec(memory: AppMemory) -> ProgramSpec:
    """The spec last applied; defaults where none is remembered."""
    return spec_of(memory.revisions[-1]) if memory.revisions else AppSpec(command=("unknown",))


def _running_revision(at: AppSituation) -> Revision | None:
    """What the fields are compared with: the revision that runs, else the one last applied."""
    known = at.before.revisions
    for process in at.replicas.old:
        for revision in reversed(known):
            if same_revision(revision.hash, process.tag.hash):
                return revision
    return known[-1] if known else None


def _known_number(old: Sequence[Process], memory: AppMemory) -> int | None:
    return next((n for p in old if (n := number_of(memory, p.tag.hash))), None)


def _notes(at: AppSituation, replaced: int) -> list[str]:
    spec, revision, memory, wanted = at.app.spec, at.revision, at.memory, at.replicas.wanted
    notes = [f"revision {revision.number} has failed: {revision.failed}"] if revision.failed else []
    if not replaced:
        return notes
    if memory.paused:
        notes.append(f"the rollout is paused until `recon rollout resume {at.app.name}`")
    what = f"{replaced} instance{'s' if replaced > 1 else ''} replaced"
    if spec.strategy.type is StrategyType.RECREATE:
        return [*notes, f"{what}: all stop, then the new ones start"]
    surge, unavailable = fenceposts(spec.strategy, wanted)
    pace = max(1, surge + unavailable)
    notes.append(f"{what}, {pace} at a time, never below {wanted - unavailable} ready")
    if canary.is_on(spec, memory) and spec.strategy.canary is not None:
        first, seconds = canary.size(spec), spec.strategy.canary.seconds
        notes.append(f"canary: {first} of {wanted} at first, the rest after {seconds:g} s")
    return notes
