"""How an update replaces what runs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Seconds, Share


class StrategyType(StrEnum):
    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


class Canary(Manifest):
    """A few instances that a new revision has to prove itself on before the others follow."""

    instances: Share = Field(
        1, description="how many instances run the new revision first; a percentage is rounded up"
    )
    seconds: Seconds = Field(60, description="how long each must stay available")

    @model_validator(mode="after")
    def _at_least_one(self) -> Canary:
        if self.instances in (0, "0%"):
            raise InvalidValue("a canary needs at least one instance", "write 1, or leave it out")
        return self


class Strategy(Manifest):
    """How old processes give way to new ones (Kubernetes: DeploymentStrategy)."""

    type: StrategyType = Field(
        StrategyType.ROLLING_UPDATE, description="RollingUpdate, or Recreate (stop, then start)"
    )
    max_surge: Share = Field(
        "25%", description="how many instances more than `instances` may run, rounded up"
    )
    max_unavailable: Share = Field(
        "25%", description="how many instances may be down, rounded down"
    )
    canary: Canary | None = Field(
        None,
        description="update this many instances first, and the rest only if they stay available",
    )

    @model_validator(mode="after")
    def _canary_rolls(self) -> Strategy:
        if self.canary is not None and self.type is StrategyType.RECREATE:
            raise ValueError("a canary needs type RollingUpdate: Recreate stops all at once")
        return self
