"""Events: the timeline people read. Kubernetes' reasons where it has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Event:
    app: str
    """Empty for an event of the controller itself."""
    reason: str
    """CamelCase, one word for machines: Started, Killing, BackOff, Unhealthy, …"""
    message: str
    """A sentence for people."""
    type: Literal["Normal", "Warning"] = "Normal"
    instance: int | None = None
