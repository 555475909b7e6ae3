"""Readiness of a dependency: whether its dependents may start.

It is made from the app's own slice of the state and nothing else (``diff.core.dependencies``), so
that an app can be planned alone, beside the standings of the few that it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.spec.dependency import DependencyCondition


class ObstacleReason(StrEnum):
    """Why an app may never come to be what others wait for."""

    UNDECLARED = "NotDeclared"
    SUSPENDED = "Suspended"
    NO_INSTANCES = "NoInstances"
    FAILED = "Failed"
    UNCONFIRMED = "Unconfirmed"
    """The host has no room for it, and it is not confirmed."""
    RECORD_LOST = "RecordLost"
    """Whether the Job has run is unknown."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps others waiting until a person does something."""

    reason: ObstacleReason
    message: str
    """To follow the app's name: ``is suspended``."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a start waits for."""

    message: str
    is_stuck: bool
    """Nothing that goes on by itself will end it: a person has to act first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of an app is true at one moment. Equal standings mean the same to all dependents."""

    met: frozenset[DependencyCondition] = frozenset()
    """The conditions that hold."""
    by_clock: bool = False
    """It is a Job with a schedule: it completes when it is time, not because it was edited."""
    obstacle: Obstacle | None = None
    """Why none may ever come to hold; None where nothing is known to be in the way."""
    newest_start: float | None = None
    """When the newest of its processes started, in boot seconds, once all that are wanted are
    there and available and no other is left. None: it is on its way, or out of order."""


UNDECLARED = Standing(obstacle=Obstacle(ObstacleReason.UNDECLARED, "is not declared"))
