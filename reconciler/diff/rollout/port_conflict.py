"""A new revision whose port its predecessor holds: it can never get ready, and has failed at once.

With ``maxSurge`` the old process is there until the new one is ready, and the new one cannot listen
until the old one is gone. So nothing comes of waiting for the deadline. It is decided only where
the rollout stands still: nothing is stopping or about to be, and each new instance that is not
available cannot have its port because an old process holds it alone.
"""

from __future__ import annotations

from reconciler.diff.core import history
from reconciler.diff.core.backoff import holds
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout import rolling
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.observed import PortHeld
from reconciler.model.state.revision import same_revision

PATIENCE = 5.0
"""Seconds for a new process that runs: it may be about to take the port over from the old one."""
REMEDY = "Declare the port under `sockets:`, or set strategy.maxSurge: 0 or type: Recreate"


def judge(at: AppSituation) -> AppSituation:
    """Let the revision fail where it can never get its port."""
    memory, stuck = at.memory, _stuck(at)
    if stuck is None or _decided_at(stuck, memory) > at.now:
        return at
    holder = history.number_of(memory, stuck.holder.hash)
    name = f"{stuck.holder.app}-{stuck.holder.instance}"
    owner = (
        f"{name} (pid {stuck.pid}, revision {holder})" if holder else f"{name} (pid {stuck.pid})"
    )
    why = f"revision {at.revision.number} cannot listen: port {stuck.port} is held by {owner}"
    remedy = remedy_of(stuck)
    event = Event(at.app.name, Failure.PORT, f"{why}. {remedy}", "Warning", stuck.probed.instance)
    return at.after(history.give_up(memory, Failure.PORT, why, remedy), event)


def remedy_of(held: PortHeld) -> str:
    """What would free the port, a sentence."""
    if held.holder.app == held.probed.app:
        return REMEDY
    app = held.holder.app
    return f"Choose another port, or add {app} to dependsOn if the probe is meant for it"


def look_again_at(at: AppSituation) -> float | None:
    """When that is decided, in boot seconds; None where it is not in question."""
    stuck = _stuck(at)
    return _decided_at(stuck, at.memory) if stuck is not None else None


def _stuck(at: AppSituation) -> PortHeld | None:
    ports, revision = at.ports, at.revision
    if not ports or revision.good or revision.failed or at.memory.paused:
        return None
    spec, replicas = at.app.spec, at.replicas
    if spec.strategy.type is StrategyType.RECREATE or replicas.stopping:
        return None
    old = {process.tag.nonce for process in replicas.old}
    held = {
        one.probed.instance: one
        for one in ports
        if one.exclusive
        and same_revision(one.probed.hash, revision.hash)
        and (one.holder.nonce in old or (old and one.holder.app != one.probed.app))
    }
    down = {p.tag.instance for p in replicas.current if p.tag.nonce not in replicas.up}
    down |= {*replicas.waiting, *rolling.starts(spec, replicas)}
    if not down or not down <= held.keys() or rolling.stops(spec, replicas):
        return None
    return held[min(down)]


def _decided_at(stuck: PortHeld, memory: AppMemory) -> float:
    """One that has ended unready is decided at once."""
    ended = holds(memory, stuck.probed.instance, stuck.probed.hash)
    return ended.at if ended is not None and not ended.served else stuck.since + PATIENCE
