"""A hold: what holds a rollout, and what the strategies calculate with meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.diff.core.replicas import Replicas

HeldBy = Literal["pause", "build", "dependency", "canary", "memory"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Made by ``rollout.freeze``."""

    by: HeldBy
    message: str
    """A sentence, the same as long as nothing but the time is another."""
    replicas: Replicas
    """The processes, where what is held counts as current."""
    hashes: Mapping[int, str]
    """What each number that has no process is to be started with."""
    until: float | None = None
    """Boot seconds at which it ends by itself; None where it does not (yet)."""

    @property
    def waits(self) -> bool:
        """Nothing of the rollout can be late meanwhile: no deadline runs."""
        return self.by != "canary" or self.until is not None

    @property
    def is_whole(self) -> bool:
        """All that is wanted is there and available, of whatever revision."""
        held = self.replicas
        up = {p.tag.instance for p in held.current if p.tag.nonce in held.up}
        return held.settled and len(up) + len(held.done) >= held.wanted
