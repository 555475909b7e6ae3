"""How one declared app stands: what every judgement of it is made from."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.diff.core.dependencies import Wait
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.rollout.hold import Hold
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import PortHeld
from reconciler.model.state.plan import Condition, Drift


@dataclass(frozen=True, slots=True)
class Situation:
    """Of one app, at one moment. ``now`` and all times are boot seconds."""

    app: DesiredApp
    replicas: Replicas
    """Its processes against the revision that shall run."""
    memory: AppMemory
    now: float
    held: Hold | None
    """What holds its rollout: a pause, its build or a canary."""
    waiting: Wait | None
    """For which dependencies its start waits."""
    conflict: str
    """Why one of its sockets cannot be had, a sentence."""
    limits: tuple[Drift, ...] = ()
    """How limits of its processes differ from the manifest's (see ``inplace``)."""
    built: Condition | None = None
    """Whether what is declared is built, where it is built at all (see ``building``)."""
    ports: tuple[PortHeld, ...] = ()
    """Ports of its instances that others of ours hold."""
    awaited: Wait | None = None
    """For which Jobs its update waits (see ``awaiting``)."""
    stuck: str = ""
    """Which limit cannot be put in force in place, and what would help."""

    @property
    def acting(self) -> Replicas:
        """What the strategies reckon with: while a rollout is held, what is held is current."""
        return self.held.replicas if self.held is not None else self.replicas
