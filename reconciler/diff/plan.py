"""The plan: the only judge of what is to be done.

    plan(desired, observed, memory, now) -> Plan

Pure: the same arguments give the same plan, in whatever order the processes come. The controller
executes a plan's ``actions`` and calls again; ``status`` and ``apply --dry-run`` print it. Acting
on it again and again ends at the desired state, where the plan is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.diff import (
    dependencies,
    drift,
    health,
    history,
    progress,
    recreate,
    replicas,
    review,
    rolling,
)
from reconciler.diff.backoff import holds
from reconciler.diff.prune import Absence, Verdict
from reconciler.diff.replicas import Replicas
from reconciler.model.desired import Desired, DesiredApp
from reconciler.model.manifest import StrategyType
from reconciler.model.memory import AppMemory, Ended
from reconciler.model.observed import Observed, Process, RunState
from reconciler.model.plan import (
    Action,
    AppPlan,
    AppStatus,
    End,
    Health,
    InstanceStatus,
    Plan,
    Start,
    Sync,
)
from reconciler.model.revision import same_revision
from reconciler.model.standing import Standing

_UNSEEN = Absence(Verdict.WAIT, "no manifest declares it; nothing is stopped before a clean scan")


def plan(
    desired: Desired,
    observed: Observed,
    memory: Mapping[str, AppMemory],
    now: float,
    absences: Mapping[str, Absence] | None = None,
    *,
    standings: Mapping[str, Standing] | None = None,
) -> Plan:
    """The plan for every app that is declared, runs, or is known to be absent.

    ``now`` and all times are boot seconds. ``absences`` (see ``prune``) judges the apps that no
    manifest declares; without a verdict nothing of theirs is touched. ``standings`` are those
    of the apps that these depend on, where this is a slice; None: they are all in it.
    """
    absences = absences or {}
    processes = _by_app(observed.processes)
    if standings is None:
        standings = _standings(desired, processes, memory, now)
    plans = []
    for name in sorted({*desired.apps, *processes, *absences}):
        app, mine = desired.apps.get(name), processes.get(name, [])
        remembered = memory.get(name, AppMemory())
        if app is None:
            plans.append(_plan_absent(name, mine, remembered, absences.get(name, _UNSEEN)))
        else:
            conflict = observed.conflicts.get(name, "")
            made = _plan_declared(
                app, mine, remembered, now, standings=standings, conflict=conflict
            )
            plans.append(made)
    return Plan(tuple(plans), desired.problems)


def _plan_declared(
    app: DesiredApp,
    processes: Sequence[Process],
    before: AppMemory,
    now: float,
    *,
    standings: Mapping[str, Standing],
    conflict: str,
) -> AppPlan:
    memory = history.record(before, app)
    if not before.revisions:
        memory = history.presume_good(memory, processes)
    memory, events = dependencies.follow_restarts(app, processes, memory, standings)
    sorted_by = _sort(app, processes, memory, now)
    waiting = dependencies.waiting_for(app.spec, sorted_by, memory, standings)
    if waiting:  # no process of it can be late
        memory = progress.without_rollout(memory)
    else:
        memory, advanced = progress.advance(app.name, app.spec, sorted_by, memory, now)
        events = (*events, *advanced)
    if memory.revisions[-1].failed:  # perhaps just now: what shall run is another revision then
        sorted_by = _sort(app, processes, memory, now)
    actions = () if waiting else tuple(_actions(app, sorted_by, memory, now))
    starting = any(isinstance(action, Start) for action in actions)
    memory = dependencies.note_begun(memory, sorted_by, starting=starting)
    return AppPlan(
        app.name,
        app,
        actions,
        review.change_of(app, sorted_by, before, memory, waiting),
        _status(app, sorted_by, memory, now, waiting=waiting, conflict=conflict),
        memory,
        events,
        _look_again_at(app, sorted_by, memory, now),
        dependencies.standing_of(app, sorted_by, memory),
    )


def _plan_absent(
    name: str, processes: Sequence[Process], memory: AppMemory, absence: Absence
) -> AppPlan:
    actions: list[Action] = []
    if absence.verdict is Verdict.DELETE:
        alive = [p for p in processes if p.state is not RunState.STOPPING]
        actions = [End(process, absence.reason) for process in alive]
    sync = Sync.OUT_OF_SYNC if actions else Sync.UNKNOWN
    revision = memory.revisions[-1].number if memory.revisions else 0
    status = AppStatus(
        name,
        "App",
        sync,
        Health.UNKNOWN,
        0,
        sum(p.ready is True for p in processes),
        0,
        0,
        revision,
        sum(memory.restarts.values()),
        absence.reason,
        (),
        drift.orphans(processes, absence.reason),
        tuple(_instance(process, memory, None) for process in _ordered(processes)),
    )
    change = review.removal_of(name, processes, memory, absence)
    return AppPlan(name, None, tuple(actions), change, status, memory)


def _sort(app: DesiredApp, processes: Sequence[Process], memory: AppMemory, now: float) -> Replicas:
    target = history.target(memory)
    return replicas.sort(app.spec, target.hash if target else None, processes, memory, now)


def _actions(
    app: DesiredApp, sorted_by: Replicas, memory: AppMemory, now: float
) -> Iterator[Action]:
    """Stops first, so that a start may find their room at the next pass.

    One that failed its probe goes whatever the strategy says (Kubernetes: livenessProbe).
    """
    everyone = (*sorted_by.current, *sorted_by.extra, *sorted_by.old)
    failed = [process for process in everyone if process.failed]
    for process in failed:
        yield End(process, process.failed)
    if app.spec.strategy.type is StrategyType.RECREATE:
        ends, begins = recreate.stops(sorted_by), recreate.starts(sorted_by)
    else:
        ends = rolling.stops(app.spec, sorted_by, now)
        begins = rolling.starts(app.spec, sorted_by)
    for process in ends:
        if not process.failed:
            yield End(process, _why_ended(app, process, sorted_by, memory))
    for number in begins:
        assert sorted_by.target is not None
        yield Start(number, sorted_by.target, _why_started(number, sorted_by, memory))


def _why_ended(app: DesiredApp, process: Process, sorted_by: Replicas, memory: AppMemory) -> str:
    if app.spec.suspend:
        return "suspended"
    if process.tag.instance >= app.spec.wanted:
        return "scaled down"
    revision = memory.revisions[-1]
    if revision.failed and same_revision(process.tag.hash, revision.hash):
        return f"revision {revision.number} failed"
    if sorted_by.target is not None and same_revision(process.tag.hash, sorted_by.target):
        twice = process in sorted_by.extra
        return "a second process of its number" if twice else "restart requested"
    return f"replaced by revision {history.number_of(memory, sorted_by.target or revision.hash)}"


def _why_started(number: int, sorted_by: Replicas, memory: AppMemory) -> str:
    assert sorted_by.target is not None
    ended = holds(memory, number, sorted_by.target)
    if ended is not None:
        return f"restarted after {ended.told}"
    return f"revision {history.number_of(memory, sorted_by.target)}"


def _status(
    app: DesiredApp,
    sorted_by: Replicas,
    memory: AppMemory,
    now: float,
    *,
    waiting: str,
    conflict: str,
) -> AppStatus:
    revision = memory.revisions[-1]
    current = sorted_by.current
    found = drift.drift_of(app, sorted_by, memory, conflict)
    everyone = (*current, *sorted_by.old, *sorted_by.extra, *sorted_by.spared)
    how = health.health_of(app, sorted_by, revision, now)
    return AppStatus(
        name=app.name,
        kind="App",
        sync=health.sync_of(app, found, revision),
        health=Health.PROGRESSING if waiting and how is Health.MISSING else how,
        desired=app.spec.wanted,
        ready=sum(process.ready is True for process in everyone),
        updated=len(current),
        available=len(sorted_by.up),
        revision=revision.number,
        restarts=sum(memory.restarts.values()),
        message=health.message_of(app, sorted_by, memory, revision, now) or waiting,
        conditions=health.conditions_of(app, sorted_by, revision, now),
        drift=found,
        instances=tuple(_instances(app, sorted_by, memory, "waiting" if waiting else "missing")),
    )


def _instances(
    app: DesiredApp, sorted_by: Replicas, memory: AppMemory, absent: str
) -> Iterator[InstanceStatus]:
    running = _ordered(
        (
            *sorted_by.current,
            *sorted_by.extra,
            *sorted_by.old,
            *sorted_by.stopping,
            *sorted_by.spared,
        )
    )
    rows = [(p.tag.instance, _instance(p, memory, sorted_by.target)) for p in running]
    for state, numbers in (
        (absent, sorted_by.eligible),
        ("backoff", sorted_by.waiting),
        ("completed", sorted_by.done),
        ("failed", sorted_by.lost),
    ):
        rows += [(n, _no_instance(app.name, n, state, memory)) for n in numbers]
    for _, row in sorted(rows, key=lambda row: row[0]):
        yield row


def _instance(process: Process, memory: AppMemory, target: str | None) -> InstanceStatus:
    number = process.tag.instance
    ended = holds(memory, number, process.tag.hash)
    return InstanceStatus(
        process.name,
        process,
        process.state.value,
        process.ready is True,
        history.number_of(memory, process.tag.hash),
        memory.restarts.get(number, 0),
        ended.told if ended else "",
    )


def _no_instance(app: str, number: int, state: str, memory: AppMemory) -> InstanceStatus:
    ended: Ended | None = memory.ended.get(number)
    restarts = memory.restarts.get(number, 0)
    last = ended.told if ended else ""
    return InstanceStatus(f"{app}-{number}", None, state, False, 0, restarts, last)


def _look_again_at(
    app: DesiredApp, sorted_by: Replicas, memory: AppMemory, now: float
) -> float | None:
    """The next moment at which the passing of time alone may change this plan."""
    moments: list[float] = []
    if sorted_by.target is not None:
        ends = (holds(memory, number, sorted_by.target) for number in sorted_by.waiting)
        moments += [end.retry_at for end in ends if end and end.retry_at is not None]
    for process in (*sorted_by.current, *sorted_by.old, *sorted_by.extra):
        if process.tag.nonce not in sorted_by.up:
            at = replicas.available_at(process, app.spec)
            moments += [at] if at is not None else []
    revision = memory.revisions[-1]
    if memory.progressed_at is not None and not revision.good and not revision.failed:
        moments.append(progress.deadline(app.spec, memory))
    # One that is past and still undecided waits for an event: see `progress.is_undecided`.
    return min((moment for moment in moments if moment > now), default=None)


def _standings(
    desired: Desired,
    processes: Mapping[str, Sequence[Process]],
    memory: Mapping[str, AppMemory],
    now: float,
) -> Mapping[str, Standing]:
    """The standings of all apps that any depends on."""
    needed = {need.app for app in desired.apps.values() for need in app.spec.depends_on}
    return {
        name: dependencies.look_at(
            desired.apps[name], processes.get(name, ()), memory.get(name, AppMemory()), now
        )
        for name in needed & desired.apps.keys()
    }


def _ordered(processes: Iterable[Process]) -> list[Process]:
    return sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce))


def _by_app(processes: Iterable[Process]) -> dict[str, list[Process]]:
    found: dict[str, list[Process]] = {}
    for process in processes:
        found.setdefault(process.tag.app, []).append(process)
    return found
