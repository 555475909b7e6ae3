"""The plan: the only judge of what is to be done.

    plan(desired, observed, memory, now) -> Plan

Pure: the same arguments give the same plan, in whatever order the processes come. The controller
executes a plan's ``actions`` and calls again; ``status`` and ``apply --dry-run`` print it. Acting
on it again and again ends at the desired state, where the plan is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from reconciler.diff import admission
from reconciler.diff.core import dependencies, history, replicas
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.dependencies import Wait
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import Situation
from reconciler.diff.jobs import job
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.rollout import (
    amnesia,
    awaiting,
    building,
    canary,
    eviction,
    inplace,
    outgoing,
    pause,
    portheld,
    progress,
    recreate,
    restarting,
    rolling,
)
from reconciler.diff.rollout.hold import Hold
from reconciler.diff.status import review
from reconciler.diff.status.status import status_of, status_of_absent
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, JournalState
from reconciler.model.state.observed import Observed, PortHeld, Process, RunState
from reconciler.model.state.plan import Action, AppPlan, End, Plan, Start, Sync
from reconciler.model.state.revision import same_revision
from reconciler.model.state.standing import Standing
from reconciler.model.state.walltime import WallTime

_UTC = WallTime()
_WELL = JournalState()
_ROOMY: admission.Verdicts = MappingProxyType({})
_UNSEEN = Absence(Verdict.WAIT, "no manifest declares it; nothing is stopped before a clean scan")


def plan(
    desired: Desired,
    observed: Observed,
    memory: Mapping[str, AppMemory],
    now: float,
    absences: Mapping[str, Absence] | None = None,
    *,
    standings: Mapping[str, Standing] | None = None,
    loads: admission.Verdicts = _ROOMY,
    wall: WallTime = _UTC,
    journal: JournalState = _WELL,
) -> Plan:
    """The plan for every app that is declared, runs, or is known to be absent.

    ``now`` and all times are boot seconds. ``absences`` (see ``prune``) judges the apps that no
    manifest declares; without a verdict nothing of theirs is touched. ``standings`` are those
    of the apps that these depend on, where this is a slice; None: they are all in it. ``loads``
    (see ``load``) judges rises of the count of instances; without a verdict they are let in.
    ``wall`` is what the schedules of Jobs go by. ``journal``: whether ``memory`` is all that there
    is to remember, and whether anything can be added to it.
    """
    absences = absences or {}
    processes = _by_app(observed.processes)
    blank = AppMemory(recall=journal.unremembered)
    if standings is None:
        standings = _standings(desired, processes, memory, now, blank)
    plans = []
    for name in sorted({*desired.apps, *processes, *absences}):
        app, mine = desired.apps.get(name), processes.get(name, [])
        remembered = memory.get(name, blank)
        if app is None:
            plans.append(_plan_absent(name, mine, remembered, absences.get(name, _UNSEEN)))
            continue
        of_kind = job.plan_job if app.job is not None else _plan_declared
        plans.append(
            of_kind(
                app,
                mine,
                remembered,
                now,
                wall=wall,
                standings=standings,
                loads=loads,
                observed=observed,
                journal=journal,
            )
        )
    return Plan(tuple(plans), desired.problems)


def _plan_declared(
    declared: DesiredApp,
    processes: Sequence[Process],
    before: AppMemory,
    now: float,
    *,
    wall: WallTime,
    standings: Mapping[str, Standing],
    loads: admission.Verdicts,
    observed: Observed,
    journal: JournalState,
) -> AppPlan:
    memory, let_in = admission.settle(declared, processes, before, loads)
    app = admission.bounded(declared, memory)
    memory = outgoing.settle(history.record(memory, app))
    memory = amnesia.settle(app, processes, before, memory)
    if not before.revisions:
        memory = history.presume_good(memory, processes)
    builder = standings.get(app.builder.name) if app.builder is not None else None
    memory, built = building.judge(app, memory, builder)
    memory, by_clock = restarting.call(app, memory, now, wall)
    memory, followed = dependencies.follow_restarts(app, processes, memory, standings)
    memory, evicted = eviction.note(app.name, app.spec, processes, memory, now)
    sorted_by = _sort(app, processes, memory, now)
    memory = canary.begin(app.spec, sorted_by, before, memory)
    memory = awaiting.judge(app.spec, sorted_by, before, memory, now, standings=standings)
    needs = awaiting.of_the_old(app.spec, memory, standings)
    waiting = dependencies.waiting_for(needs, sorted_by, memory, standings)
    judged: tuple[Event, ...] = ()
    if waiting:  # no process of it can be late
        memory = progress.without_rollout(memory)
    else:
        memory, judged = _judge(
            app,
            processes,
            sorted_by,
            memory,
            now=now,
            builder=builder,
            standings=standings,
            ports=observed.ports,
        )
    if memory.revisions[-1].failed:  # perhaps just now: what shall run is another revision then
        memory = outgoing.settle(memory)
        sorted_by = _sort(app, processes, memory, now)
    held = _hold(app, sorted_by, memory, now, builder=builder, standings=standings)
    awaited = awaiting.wait_of(app.spec, memory, standings)
    inherited = observed.inherited
    memory = inplace.remember(app.spec, processes, memory, inherited)
    limits = tuple(inplace.drift_of(app.spec, processes, memory, inherited))
    stuck = inplace.stuck(app.spec, processes)
    adjusted = tuple(inplace.adjustments(app.spec, processes, memory, inherited))
    conflict = observed.conflicts.get(app.name, "")
    is_built = building.condition_of(app, builder)
    ports = tuple(one for one in observed.ports if one.asked.app == app.name)
    at = Situation(
        app,
        sorted_by,
        memory,
        now,
        held,
        waiting,
        conflict,
        limits,
        is_built,
        ports,
        awaited,
        stuck,
    )
    actions = () if waiting else (*adjusted, *_actions(at))
    starting = any(isinstance(action, Start) for action in actions)
    ends = {action.process.tag.nonce for action in actions if isinstance(action, End)}
    memory = outgoing.note(app.spec, sorted_by, memory, ends)
    change = review.change_of(
        app,
        sorted_by,
        before,
        memory,
        declared=declared,
        waits=_before(waiting, building.note_of(app, builder), awaited),
        adjusted=adjusted,
    )
    return AppPlan(
        app.name,
        declared,
        actions,
        admission.changed(change, declared, memory),
        admission.shown(status_of(at), declared, memory),
        dependencies.note_begun(memory, sorted_by, starting=starting),
        (*let_in, *built, *by_clock, *followed, *evicted, *judged),
        earliest(_look_again_at(at), restarting.look_again_at(app, memory, now, wall)),
        dependencies.standing_of(app, sorted_by, memory),
    )


def _judge(
    app: DesiredApp,
    processes: Sequence[Process],
    sorted_by: Replicas,
    memory: AppMemory,
    *,
    now: float,
    builder: Standing | None,
    standings: Mapping[str, Standing],
    ports: Sequence[PortHeld],
) -> tuple[AppMemory, tuple[Event, ...]]:
    """How the rollout is: whether its revision is good, has failed, or has yet to show."""
    memory, judged = canary.judge(app.name, app.spec, sorted_by, memory, now)
    mine = [one for one in ports if one.asked.app == app.name]
    memory, kept = portheld.judge(app.name, app.spec, sorted_by, memory, now, ports=mine)
    judged += kept
    if judged and memory.revisions[-1].failed:
        sorted_by = _sort(app, processes, memory, now)
    held = _hold(app, sorted_by, memory, now, builder=builder, standings=standings)
    waits = held is not None and held.waits
    memory, events = progress.advance(app.name, app.spec, sorted_by, memory, now, waits=waits)
    return memory, (*judged, *events)


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
    return AppPlan(name, None, tuple(actions), change, status, memory)


def _sort(app: DesiredApp, processes: Sequence[Process], memory: AppMemory, now: float) -> Replicas:
    target = history.target(memory)
    found = replicas.sort(app.spec, target.hash if target else None, processes, memory, now)
    return outgoing.with_returning(app.spec, found, memory, now)


def _hold(
    app: DesiredApp,
    sorted_by: Replicas,
    memory: AppMemory,
    now: float,
    *,
    builder: Standing | None,
    standings: Mapping[str, Standing],
) -> Hold | None:
    """What holds the rollout, if anything does: nobody can start what is not built, and who paused
    it means the canary, too."""
    unbuilt = building.of(app, sorted_by, memory, now, builder)
    paused = pause.of(app.name, app.spec, sorted_by, memory, now)
    unknown = amnesia.of(app.name, app.spec, sorted_by, memory, now)
    awaited = awaiting.of(app.spec, sorted_by, memory, now, standings)
    held = unbuilt or paused or unknown or awaited
    return held or canary.of(app.spec, sorted_by, memory, now)


def _actions(at: Situation) -> Iterator[Action]:
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
        ends = rolling.stops(spec, acting, at.now)
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


def _before(waiting: Wait | None, built: str, awaited: Wait | None) -> list[str]:
    """What comes before the change is made, sentences."""
    told = (waiting.message if waiting else "", built, awaited.message if awaited else "")
    return [sentence for sentence in told if sentence]


def _why_ended(at: Situation, process: Process) -> str:
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


def _why_started(at: Situation, number: int, hash: str) -> str:
    memory = at.memory
    ended = holds(memory, number, hash)
    evicted = eviction.recent(at.app.spec, memory, number, hash, at.now)
    if evicted is not None and (ended is None or evicted.at > ended.at):
        return "its predecessor outgrew limits.memory"
    if ended is not None:
        return f"restarted after {ended.told}"
    return f"revision {history.number_of(memory, hash)}"


def _look_again_at(at: Situation) -> float | None:
    """The next moment at which the passing of time alone may change this plan."""
    sorted_by, memory, held = at.replicas, at.memory, at.held
    moments: list[float] = []
    ends = (memory.ended.get(n) or memory.left[n] for n in at.acting.waiting)
    moments += [end.retry_at for end in ends if end.retry_at is not None]
    if held is not None and held.until is not None:
        moments.append(held.until)
    everyone = (*sorted_by.current, *sorted_by.old, *sorted_by.extra)
    moments += eviction.moments(everyone, memory)
    moments += outgoing.moments(sorted_by, memory)
    port_at = portheld.look_again_at(at.app.spec, sorted_by, memory, at.now, at.ports)
    moments += [port_at] if port_at is not None else []
    for process in everyone:
        if process.tag.nonce not in sorted_by.up:
            ready_at = replicas.available_at(process, at.app.spec)
            moments += [ready_at] if ready_at is not None else []
    revision = memory.revisions[-1]
    if memory.progressed_at is not None and not revision.good and not revision.failed:
        moments.append(progress.deadline(at.app.spec, memory))
    # One that is past and still undecided waits for an event: see `progress.is_undecided`.
    return min((moment for moment in moments if moment > at.now), default=None)


def _standings(
    desired: Desired,
    processes: Mapping[str, Sequence[Process]],
    memory: Mapping[str, AppMemory],
    now: float,
    blank: AppMemory,
) -> Mapping[str, Standing]:
    """The standings of all apps that any depends on, and of the builders."""
    needed = {need.app for app in desired.apps.values() for need in app.spec.depends_on}
    needed |= {app.builder.name for app in desired.apps.values() if app.builder is not None}
    return {
        name: dependencies.look_at(
            desired.apps[name], processes.get(name, ()), memory.get(name, blank), now
        )
        for name in needed & desired.apps.keys()
    }


def earliest(*moments: float | None) -> float | None:
    """The first of the moments that there are."""
    return min((moment for moment in moments if moment is not None), default=None)


def _by_app(processes: Iterable[Process]) -> dict[str, list[Process]]:
    found: dict[str, list[Process]] = {}
    for process in processes:
        found.setdefault(process.tag.app, []).append(process)
    return found
