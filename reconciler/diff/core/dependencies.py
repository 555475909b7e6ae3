"""Dependencies: which apps may start now, and which restart because another did.

What waits is only the start of an app from nothing. Restarts after a crash and updates do not:
availability first. And nothing is ever stopped because a dependency went away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.diff import admission
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.jobs import runs
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.spec.dependency import Dependency, DependencyCondition
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.plan import Condition
from reconciler.model.state.reason import EventReason
from reconciler.model.state.standing import UNDECLARED, Obstacle, ObstacleReason, Standing, Wait
from reconciler.model.words.record import replace

# So many are named while they are waited for.
_NAMED = 3

_NOTHING_WANTED = {
    True: Obstacle(ObstacleReason.SUSPENDED, "is suspended"),
    False: Obstacle(ObstacleReason.NO_INSTANCES, "has no instances"),
}
"""By whether the app is suspended."""


def look_at(app: Workload, processes: Sequence[Process], memory: AppMemory, now: float) -> Standing:
    """The standing of an app that has yet to be planned, from its own slice."""
    if isinstance(app, DesiredJob):
        return runs.standing_of(app, memory)
    assert isinstance(app, DesiredApp)
    app = admission.bounded(app, memory)
    return standing_of(AppSituation.of(app, processes, memory, Moment(now)))


def standing_of(at: AppSituation) -> Standing:
    """The standing of an app for its dependents."""
    app, sorted_by, memory = at.app, at.replicas, at.memory
    wanted = app.spec.wanted
    if wanted == 0:
        return Standing(obstacle=_nothing(app, memory))
    _, unavailable = fenceposts(app.spec.strategy, wanted)
    available = len(sorted_by.up) + len(sorted_by.done)
    whole = sorted_by.settled and len(sorted_by.current) + len(sorted_by.done) == wanted
    starts = [process.started_at for process in sorted_by.current]
    met = {
        DependencyCondition.STARTED: _numbers(sorted_by) >= set(range(wanted)),
        # Kubernetes: the condition Available; but an app without instances is of no use.
        DependencyCondition.READY: available >= max(1, wanted - unavailable),
        DependencyCondition.COMPLETED: len(sorted_by.done) == wanted and not _has_failed(memory),
    }
    return Standing(
        frozenset(condition for condition, holds in met.items() if holds),
        obstacle=_failure(sorted_by, memory),
        newest_start=max(starts, default=None) if whole and available == wanted else None,
    )


def waiting_for(at: AppSituation, needs: Sequence[Dependency]) -> Wait | None:
    """Which of these needs an app's start from nothing waits for; None where nothing holds it."""
    if at.memory.begun or not at.replicas.eligible or at.replicas.is_running:
        return None
    return unmet(needs, at.moment.standings)


def unmet(needs: Sequence[Dependency], standings: Mapping[str, Standing]) -> Wait | None:
    """Which dependencies are not there; None where all are."""
    missing = [
        need for need in needs if need.condition not in standings.get(need.app, UNDECLARED).met
    ]
    if not missing:
        return None
    obstacles = [standings.get(need.app, UNDECLARED).obstacle for need in missing]
    named = [_text_of(*pair) for pair in zip(missing[:_NAMED], obstacles, strict=False)]
    rest = len(missing) - _NAMED
    message = f"waiting for {'; '.join(named)}" + (f"; and {rest} more" if rest > 0 else "")
    return Wait(message, is_stuck=any(obstacle is not None for obstacle in obstacles))


def note_begun(memory: AppMemory, sorted_by: Replicas, *, starting: bool) -> AppMemory:
    """The memory that knows whether later starts are starts from nothing."""
    leaving = bool(sorted_by.stopping)
    if starting or sorted_by.is_running or (leaving and sorted_by.wanted):
        begun = True
    else:
        begun = memory.begun and (leaving or sorted_by.wanted > 0 or sorted_by.target is None)
    return memory if begun == memory.begun else replace(memory, begun=begun)


def follow_restarts(at: AppSituation) -> AppSituation:
    """Request a restart once for each restart of a dependency.

    It is requested when the dependency is whole again, for those processes that are older than
    its newest. A dependency that is new to the manifest restarts nothing: the field is applied
    in place.
    """
    memory = at.memory
    needs = [need.app for need in at.app.spec.depends_on if need.restart]
    if not needs and not memory.dependency_starts:
        return at
    alive = (p.started_at for p in at.processes if p.state is not RunState.STOPPING)
    oldest = min(alive, default=None)
    known: dict[str, float] = {}
    restarted: dict[str, float] = {}
    for name in needs:
        before = memory.dependency_starts.get(name)
        if before is None and oldest is None:
            before = 0.0  # whatever starts later than this app's processes is a restart
        newest = at.moment.standings.get(name, UNDECLARED).newest_start
        if newest is None:
            newest = before
        elif before is not None and oldest is not None and newest > max(before, oldest):
            restarted[name] = newest
        if newest is not None:
            known[name] = newest
    if known != memory.dependency_starts:
        memory = replace(memory, dependency_starts=known)
    if not restarted:
        return at.after(memory)
    requested_at = max(memory.restart_requested_at or 0.0, *restarted.values())
    memory = replace(memory, restart_requested_at=requested_at, progressed_at=None, progress=0)
    message = f"{', '.join(sorted(restarted))} restarted"
    return at.after(memory, Event(at.app.name, EventReason.RESTART_REQUESTED, message))


def _nothing(app: DesiredApp, memory: AppMemory) -> Obstacle:
    """Why no instance of the app runs."""
    return admission.obstacle(app, memory) or _NOTHING_WANTED[app.spec.suspend]


def condition_of(wait: Wait | None) -> tuple[Condition, ...]:
    """The condition of an app, or a Job, that waits for others; empty where it does not."""
    if wait is None:
        return ()
    reason = "DependencyStuck" if wait.is_stuck else "DependencyPending"
    return (Condition("DependenciesMet", "False", reason, wait.message),)


def _text_of(need: Dependency, obstacle: Obstacle | None) -> str:
    text = f"{need.app} to be {need.condition}"
    return f"{text}, which {obstacle.message}" if obstacle is not None else text


def _has_failed(memory: AppMemory) -> bool:
    """Whether an earlier revision runs instead of the declared one."""
    return bool(memory.revisions) and memory.revisions[-1].failed is not None


def _failure(sorted_by: Replicas, memory: AppMemory) -> Obstacle | None:
    """Whether it has failed until a person acts."""
    if sorted_by.target is None:
        return Obstacle(ObstacleReason.FAILED, "has failed")
    ends = [memory.ended[number].message for number in sorted_by.lost]
    return Obstacle(ObstacleReason.FAILED, f"failed ({ends[0]})") if ends else None


def _numbers(sorted_by: Replicas) -> set[int]:
    """Instance numbers of which a process runs, whatever its revision, or is done."""
    running = (*sorted_by.current, *sorted_by.old, *sorted_by.spared)
    return {*(process.tag.instance for process in running), *sorted_by.done}
