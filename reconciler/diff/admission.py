"""Admission: how many instances of an app may run, which is what it declares unless that waits.

Only a rise is ever judged (``load``), once, when it is first seen. What was let in is remembered,
and what a person confirmed; so a boot, a crash and a new controller are not rises. While one waits,
the count from before stays: what crashes comes back, and all else of the edit is carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from reconciler.diff.core.situation import Situation
from reconciler.model.host.load import Shortage, Withheld
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.observed import Process
from reconciler.model.state.plan import AppStatus, Change, Condition, Health, Sync
from reconciler.model.state.reason import EventReason
from reconciler.model.state.standing import Obstacle, ObstacleReason
from reconciler.model.words.quantity import format_size
from reconciler.model.words.record import replace

CONFIRM = "recon apply --confirm-load"

W = TypeVar("W", bound=Workload)
S = TypeVar("S", bound=Situation)


def count_of(app: Workload) -> int:
    """How many instances are declared to run; a Job is one. A builder does not count."""
    if built_by(app.name) is not None:
        return 0
    if isinstance(app, DesiredApp):
        return app.spec.wanted
    return 0 if app.spec.suspend else 1


def admitted(app: Workload, running: int, memory: AppMemory) -> int:
    """How many instances were let in so far. ``running``: how many have a process.

    Without a reliable memory it is unknown what was confirmed, and a boot must not
    wait; where there never was one, what runs already is not a rise.
    """
    if memory.recall is not Recall.WHOLE:
        return max(count_of(app), running)
    if memory.admitted is not None:
        return memory.admitted
    if memory.revisions:  # an earlier release remembered no more than what was applied
        spec = memory.revisions[-1].spec
        known = spec.get("instances", 1) if spec else None
        return known if isinstance(known, int) else max(count_of(app), running)
    return running


def rising(
    apps: Mapping[str, Workload],
    memory: Mapping[str, AppMemory],
    processes: Iterable[Process],
    blank: AppMemory,
) -> Mapping[str, Workload]:
    """The apps of which there is a rise to judge."""
    running = Counter(name for name, _ in {(p.tag.app, p.tag.instance) for p in processes})
    return {
        name: app
        for name, app in apps.items()
        if rises(app, running[name], memory.get(name, blank))
    }


def rises(app: Workload, running: int, memory: AppMemory) -> bool:
    """Whether more instances are declared than were ever let in or confirmed, so that there is
    something to judge. What waits already is judged no more."""
    count = count_of(app)
    if count <= max(admitted(app, running, memory), memory.confirmed):
        return False
    held = memory.withheld
    return held is None or held.count != count or held.again


def settle(at: S) -> S:
    """Note how many instances may run, and go on with an app that has no more."""
    app, memory = at.app, at.memory
    running = 0 if memory.admitted is not None else len({one.tag.instance for one in at.processes})
    count, before = count_of(app), admitted(app, running, memory)
    if app.spec.suspend:  # asks for nothing now, and may have back what it had
        return _with(at, before, memory.withheld)
    if count <= max(before, memory.confirmed):
        return _with(at, count, None)
    known = memory.withheld
    waits = known is not None and known.count == count
    held = at.moment.loads.get(app.name, known if waits else None)
    if held is None:
        return _with(at, count, None)
    event = Event(app.name, EventReason.LOAD_HELD, sentence(app, held), "Warning")
    return _with(at, before, held, *(() if waits else (event,)))


def reconsidered(memory: AppMemory) -> AppMemory:
    """The memory in which a rise that waits is to be judged again."""
    held = memory.withheld
    return memory if held is None else replace(memory, withheld=replace(held, again=True))


def confirm(app: Workload, memory: AppMemory) -> AppMemory:
    """The memory in which a person means the declared count; the same where that is known."""
    count = count_of(app)
    return memory if count <= memory.confirmed else replace(memory, confirmed=count)


def bounded(app: W, memory: AppMemory) -> W:
    """The app with as many instances as may run: itself, unless its rise waits."""
    held = memory.withheld
    if held is None or memory.admitted is None or not isinstance(app, DesiredApp):
        return app
    if app.spec.suspend or app.spec.instances <= memory.admitted:
        return app
    spec = app.spec.model_copy(update={"instances": memory.admitted})
    return replace(app, spec=spec)


def withheld(app: Workload, memory: AppMemory) -> Withheld | None:
    """Why not all that is declared may run, if that is so now."""
    return None if app.spec.suspend else memory.withheld


def obstacle(app: Workload, memory: AppMemory) -> Obstacle | None:
    """What keeps those waiting that depend on it, where none of it may run."""
    if withheld(app, memory) is None or memory.admitted:
        return None
    return Obstacle(ObstacleReason.UNCONFIRMED, f"waits for `{CONFIRM}`")


def sentence(app: Workload, held: Withheld) -> str:
    """What waits, what the host has too little of, and what to do."""
    what = "its runs wait"
    if isinstance(app, DesiredApp):
        written = f" ({app.by_cores})" if app.by_cores else ""
        what = f"instances {held.before:,} → {held.count:,}{written} waits"
    others = f" with {held.apps - 1} other{'s' if held.apps > 2 else ''}" if held.apps > 1 else ""
    return f"{what}:{others} {_figures(held)}; if that is meant, run `{CONFIRM}`"


def _figures(held: Withheld) -> str:
    how = "measured" if held.measured else "a guess"
    match held.reason:
        case Shortage.MEMORY:
            each = f"{format_size(held.each)} each, {how}"
            needed, room = format_size(held.needed), format_size(held.room)
            return f"{needed} of memory needed ({each}), {room} left"
        case Shortage.PROCESSES:
            return f"{held.needed:,} processes needed, {held.room:,} left on this host"
        case Shortage.FILES:
            return f"{held.needed:,} open files of recon needed, {held.room:,} left (ulimit -Hn)"


def _with(at: S, count: int, held: Withheld | None, *events: Event) -> S:
    memory = at.memory
    if memory.admitted != count or memory.withheld != held:
        memory = replace(memory, admitted=count, withheld=held)
    at = at.after(memory, *events)
    app = bounded(at.app, memory)
    return at if app is at.app else replace(at, app=app)


def shown(status: AppStatus, app: Workload, memory: AppMemory) -> AppStatus:
    """The status of an app, as of all that it declares."""
    held = withheld(app, memory)
    if held is None:
        return status
    message = sentence(app, held)
    alive = bool(status.instances) or isinstance(app, DesiredJob)
    is_worse = app.problem is not None or status.health is Health.DEGRADED
    return replace(
        status,
        sync=status.sync if status.sync is Sync.UNKNOWN else Sync.OUT_OF_SYNC,
        health=status.health if alive else Health.MISSING,
        desired=max(status.desired, held.count if isinstance(app, DesiredApp) else 0),
        message=f"{status.message}; {message}" if is_worse and status.message else message,
        conditions=(*status.conditions, Condition("LoadHeld", "True", held.reason, message)),
        load=held,
    )


def changed(change: Change, app: Workload, memory: AppMemory) -> Change:
    """The change of an app, with what of it waits."""
    held = withheld(app, memory)
    if held is None:
        return change
    only = not (change.start or change.replace or change.stop)
    only = only and all(field.path == "instances" for field in change.fields)
    return replace(
        change,
        action="none" if only else change.action,
        notes=(sentence(app, held), *change.notes),
        held=True,
        load=held,
    )
