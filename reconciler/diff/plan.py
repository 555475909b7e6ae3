"""The plan: the only judge of what is to be done.

    plan(desired, observed, memory, now) -> Plan
    changes(desired, observed, memory, now) -> Changes
    decide(desired, memory, moment) -> Decision, Decision, …

Pure: the same arguments give the same plan, in whatever order the processes come. ``status`` prints
it, and ``apply --dry-run`` its changes, without the next step and the status, which would be two
fifths of the work. The controller executes the ``actions`` of its decisions and asks again, without
what is for people, which would be a third. Acting on them again and again ends at the desired
state, where the plan is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from reconciler.diff import admission
from reconciler.diff.core import dependencies, history, replicas
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation, JobSituation, Moment
from reconciler.diff.jobs import job
from reconciler.diff.memo import Memo
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.rollout import (
    amnesia,
    build_gate,
    canary,
    eviction,
    job_gate,
    limit_adjustment,
    outgoing,
    pause,
    port_conflict,
    progress,
    recreate,
    rolling,
    scheduled_restart,
)
from reconciler.diff.status import review
from reconciler.diff.status.status import status_of, status_of_absent
from reconciler.model.host.load import Verdicts
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.desired import Desired, DesiredApp, DesiredJob
from reconciler.model.state.memory import AppMemory, JournalState
from reconciler.model.state.observed import Observed, Process, RunState
from reconciler.model.state.plan import (
    Action,
    Adjust,
    AppChange,
    AppPlan,
    Change,
    Changes,
    Decision,
    End,
    Plan,
    Start,
    Sync,
)
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Standing
from reconciler.model.state.walltime import WallTime

_UTC = WallTime()
_WELL = JournalState()
_ROOMY: Verdicts = MappingProxyType({})
_UNSEEN = Absence(Verdict.WAIT, "no manifest declares it; nothing is stopped before a clean scan")


def plan(
    desired: Desired,
    observed: Observed,
    memory: Mapping[str, AppMemory],
    now: float,
    absences: Mapping[str, Absence] | None = None,
    *,
    loads: Verdicts = _ROOMY,
    wall: WallTime = _UTC,
    journal: JournalState = _WELL,
) -> Plan:
    """The plan for every app that is declared, runs, or is known to be absent.

    ``now`` and all times are boot seconds. ``absences`` (see ``prune``) judges the apps that no
    manifest declares; without a verdict nothing of theirs is touched. One that is in
    ``desired`` nevertheless goes on as it was, since its removal is in doubt. ``loads``
    (see ``load``) judges rises of the count of instances; without a verdict they are let in.
    ``wall`` is what the schedules of Jobs go by. ``journal``: whether ``memory`` is all that there
    is to remember, and whether anything can be added to it.
    """
    found = plans(desired, observed, memory, now, absences, loads=loads, wall=wall, journal=journal)
    return Plan(tuple(found), desired.problems)


def plans(
    desired: Desired,
    observed: Observed,
    memory: Mapping[str, AppMemory],
    now: float,
    absences: Mapping[str, Absence] | None = None,
    *,
    loads: Verdicts = _ROOMY,
    wall: WallTime = _UTC,
    journal: JournalState = _WELL,
    memo: Memo | None = None,
    refused: Set[str] = frozenset(),
) -> Iterator[AppPlan]:
    """What ``plan`` has of each app, by name; worked out one by one, as they are asked for.

    ``memo`` has the plans of those at rest from one look to the next; ``refused`` are apps that
    the host does not let start just now.
    """
    of_app = _plan_app if memo is None else partial(memo.of, plan=_plan_app)
    moment = Moment.of(observed, now, {}, loads=loads, wall=wall, journal=journal, refused=refused)
    if memo is not None:
        moment = replace(moment, documents=memo.documents)
    moment = replace(moment, standings=standings(desired, memory, moment))
    yield from _each(of_app, desired, memory, moment, absences)


def changes(
    desired: Desired,
    observed: Observed,
    memory: Mapping[str, AppMemory],
    now: float,
    absences: Mapping[str, Absence] | None = None,
    *,
    loads: Verdicts = _ROOMY,
    wall: WallTime = _UTC,
    journal: JournalState = _WELL,
) -> Changes:
    """What ``plan`` says that changes."""
    moment = Moment.of(observed, now, {}, loads=loads, wall=wall, journal=journal)
    moment = replace(moment, standings=standings(desired, memory, moment))
    found = _each(_change_app, desired, memory, moment, absences)
    return Changes(tuple(found), desired.problems)


def decide(
    desired: Desired,
    memory: Mapping[str, AppMemory],
    moment: Moment,
    absences: Mapping[str, Absence] | None = None,
    *,
    memo: Memo | None = None,
    whole: bool = False,
) -> tuple[Decision, ...]:
    """What ``plan`` decides of the same, by app. ``memo`` has plans of those at rest.

    With ``whole`` they are made for it, with what is for people.
    """
    of_app: Callable[[AppSituation], Decision] = _decide
    if memo is not None:
        moment = replace(moment, documents=memo.documents)
        of_app = partial(memo.of, plan=_plan_app) if whole else partial(memo.known, decide=_decide)
    return tuple(_each(of_app, desired, memory, moment, absences))


D = TypeVar("D")


def _each(
    of_app: Callable[[AppSituation], D],
    desired: Desired,
    memory: Mapping[str, AppMemory],
    moment: Moment,
    absences: Mapping[str, Absence] | None,
) -> Iterator[D | AppPlan]:
    absences = absences or {}
    for name in sorted({*desired.apps, *moment.processes, *absences}):
        app, running = desired.apps.get(name), moment.processes.get(name, ())
        remembered = memory.get(name) or moment.blank
        if app is None:
            yield _plan_absent(name, running, remembered, absences.get(name, _UNSEEN))
            continue
        made: D | AppPlan
        if isinstance(app, DesiredJob):
            made = job.plan_job(JobSituation.of(app, running, remembered, moment))
        else:
            assert isinstance(app, DesiredApp)
            made = of_app(AppSituation.of(app, running, remembered, moment))
        if isinstance(made, AppPlan) and name in absences:  # it goes on as it was
            shown = _plan_absent(name, running, remembered, absences[name])
            made = replace(made, status=shown.status, change=shown.change)
        yield made


def _plan_app(at: AppSituation) -> AppPlan:
    """The plan of an App that is declared."""
    declared = at.app
    at = _judged(at)
    adjusted = tuple(limit_adjustment.adjustments(at))
    made = _decided(at, declared, adjusted)
    return AppPlan(
        made.app,
        made.desired,
        made.actions,
        made.memory,
        made.events,
        made.look_again_at,
        made.standing,
        change=_change_of(at, declared, adjusted),
        status=admission.shown(status_of(at), declared, at.memory),
    )


def _change_app(at: AppSituation) -> AppChange:
    """The change alone."""
    declared = at.app
    at = _judged(at)
    change = _change_of(at, declared, tuple(limit_adjustment.adjustments(at)))
    return AppChange(declared.name, declared, change)


def _change_of(at: AppSituation, declared: DesiredApp, adjusted: Sequence[Adjust]) -> Change:
    change = review.change_of(at, declared, waits=_before(at), adjusted=adjusted)
    return admission.changed(change, declared, at.memory)


def _decide(at: AppSituation) -> Decision:
    """The same without what a person is shown of it."""
    declared = at.app
    at = _judged(at)
    return _decided(at, declared, tuple(limit_adjustment.adjustments(at)))


def _judged(at: AppSituation) -> AppSituation:
    for step in _STEPS:
        at = step(at)
    return at


def _decided(at: AppSituation, declared: DesiredApp, adjusted: tuple[Adjust, ...]) -> Decision:
    actions = () if at.waiting else (*adjusted, *_actions(at))
    starting = any(isinstance(action, Start) for action in actions)
    ends = {action.process.tag.nonce for action in actions if isinstance(action, End)}
    return Decision(
        declared.name,
        declared,
        actions,
        dependencies.note_begun(outgoing.note(at, ends), at.replicas, starting=starting),
        at.events,
        earliest(_look_again_at(at), scheduled_restart.look_again_at(at)),
        dependencies.standing_of(at),
    )


def _record(at: AppSituation) -> AppSituation:
    """Remember the revision that the manifest declares."""
    return at.after(outgoing.settle(history.record(at.memory, at.app, at.moment.documents)))


def _presume_good(at: AppSituation) -> AppSituation:
    """Without any memory, call what runs a good revision."""
    return at if at.before.revisions else at.after(history.presume_good(at.memory, at.processes))


def _judge(at: AppSituation) -> AppSituation:
    """Judge the rollout: whether its revision is good, has failed, or has yet to show."""
    if at.waiting:  # no process of it can be late
        return progress.without_rollout(at)
    return progress.advance(_hold(port_conflict.judge(canary.judge(at))))


def _settle(at: AppSituation) -> AppSituation:
    """Go on with the revision that is to run, where the last one has failed, perhaps just now."""
    return at.after(outgoing.settle(at.memory)) if at.revision.failed else at


def _hold(at: AppSituation) -> AppSituation:
    """Note what holds the rollout."""
    held = next((held for gate in _GATES if (held := gate(at)) is not None), None)
    return replace(at, held=held) if held is not at.held else at


_GATES: Sequence[Callable[[AppSituation], Hold | None]] = (
    build_gate.gate,
    pause.gate,
    amnesia.gate,
    job_gate.gate,
    canary.gate,
)
"""What may hold a rollout, the first that does: what is not built cannot be started, and a pause
holds the canary, too."""

_STEPS: Sequence[Callable[[AppSituation], AppSituation]] = (
    admission.settle,
    _record,
    amnesia.settle,
    _presume_good,
    build_gate.judge,
    scheduled_restart.call,
    dependencies.follow_restarts,
    eviction.note,
    canary.begin,
    job_gate.judge,
    job_gate.wait_to_start,
    _judge,
    _settle,
    _hold,
    limit_adjustment.remember,
)
"""What is made of what was remembered, in this order: each step sees what those before it noted."""


def _plan_absent(
    name: str, processes: Sequence[Process], memory: AppMemory, absence: Absence
) -> AppPlan:
    actions: list[Action] = []
    if absence.verdict is Verdict.DELETE:
        alive = [p for p in processes if p.state is not RunState.STOPPING]
        actions = [End(process, absence.reason) for process in alive]
    sync = Sync.OUT_OF_SYNC if actions else Sync.UNKNOWN
    status = status_of_absent(
        name,
        processes,
        memory,
        sync,
        absence.reason,
        unconfirmed=absence.verdict is Verdict.UNCONFIRMED,
    )
    change = review.removal_of(name, processes, memory, absence)
    return AppPlan(name, None, tuple(actions), memory, change=change, status=status)


def _actions(at: AppSituation) -> Iterator[Action]:
    """Stops first, so that a start may find their room at the next pass.

    One that failed its probe goes whatever the strategy says (Kubernetes: livenessProbe).
    """
    spec, acting = at.app.spec, at.acting
    for process in (*at.replicas.current, *at.replicas.extra, *at.replicas.old):
        if process.failed:
            yield End(process, process.failed)
    if spec.strategy.type is StrategyType.RECREATE:
        ends, begins = recreate.stops(acting), recreate.starts(acting)
    else:
        ends = rolling.stops(spec, acting)
        begins = rolling.starts(spec, acting)
        for returning in rolling.restarts(spec, acting):
            yield Start(*returning, _why_started(at, *returning))
    for process in ends:
        if not process.failed:
            yield End(process, _why_ended(at, process))
    for number in begins:
        hash = at.held.hashes[number] if at.held else at.replicas.target
        assert hash is not None
        yield Start(number, hash, _why_started(at, number, hash))


def _before(at: AppSituation) -> list[str]:
    """What comes before the change is made, sentences."""
    awaited = job_gate.wait_of(at)
    found = (
        at.waiting.message if at.waiting else "",
        build_gate.note_of(at),
        awaited.message if awaited else "",
    )
    return [sentence for sentence in found if sentence]


def _why_ended(at: AppSituation, process: Process) -> str:
    app, sorted_by, memory = at.app, at.replicas, at.memory
    if app.spec.suspend:
        return "suspended"
    if process.tag.instance >= app.spec.wanted:
        return "scaled down"
    if process.tag.nonce in at.acting.evicted:
        return f"it {process.outgrown}"
    revision = memory.revisions[-1]
    if revision.failed and same_revision(process.tag.hash, revision.hash):
        return f"revision {revision.number} failed"
    if sorted_by.target is not None and same_revision(process.tag.hash, sorted_by.target):
        twice = process in sorted_by.extra
        return "a second process of its number" if twice else "restart requested"
    return f"replaced by revision {history.number_of(memory, sorted_by.target or revision.hash)}"


def _why_started(at: AppSituation, number: int, hash: str) -> str:
    memory = at.memory
    ended = holds(memory, number, hash)
    evicted = eviction.recent(at, number, hash)
    if evicted is not None and (ended is None or evicted.at > ended.at):
        return "its predecessor outgrew limits.memory"
    if ended is not None:
        return f"restarted after {ended.message}"
    return f"revision {history.number_of(memory, hash)}"


def _look_again_at(at: AppSituation) -> float | None:
    """The next moment at which the passing of time alone may change this plan."""
    sorted_by, memory, held = at.replicas, at.memory, at.held
    moments: list[float] = []
    ends = (memory.ended.get(n) or memory.left[n] for n in at.acting.waiting)
    moments += [end.retry_at for end in ends if end.retry_at is not None]
    if held is not None and held.until is not None:
        moments.append(held.until)
    everyone = (*sorted_by.current, *sorted_by.old, *sorted_by.extra)
    moments += eviction.moments(at, everyone)
    moments += outgoing.moments(at)
    port_at = port_conflict.look_again_at(at)
    moments += [port_at] if port_at is not None else []
    for process in everyone:
        if process.tag.nonce not in sorted_by.up:
            ready_at = replicas.available_at(process, at.app.spec)
            moments += [ready_at] if ready_at is not None else []
    revision = at.revision
    if memory.progressed_at is not None and not revision.good and not revision.failed:
        moments.append(progress.deadline(at))
    # One that is past and still undecided waits for an event: see `progress.advance`.
    return min((moment for moment in moments if moment > at.now), default=None)


def standings(
    desired: Desired, memory: Mapping[str, AppMemory], moment: Moment
) -> Mapping[str, Standing]:
    """The standings of all apps that any depends on, and of the builders."""
    needed = {need.app for app in desired.apps.values() for need in app.spec.depends_on}
    built = (app for app in desired.apps.values() if isinstance(app, DesiredApp))
    needed |= {app.builder.name for app in built if app.builder is not None}
    return {
        name: dependencies.look_at(
            desired.apps[name],
            moment.processes.get(name, ()),
            memory.get(name) or moment.blank,
            moment.now,
        )
        for name in needed & desired.apps.keys()
    }


def earliest(*moments: float | None) -> float | None:
    """The first of the moments that there are."""
    return min((moment for moment in moments if moment is not None), default=None)
