"""What a manifest is resolved against, and what it means that it cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from reconciler.desired.environment.filled import Filled
from reconciler.desired.text.yaml import Path
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Reason
from reconciler.system.files.trust import Trust, trusting

Refusals = Callable[[AppSpec], Iterable[tuple[str, str]]]
"""What of a spec cannot be had on the host: dotted paths below ``spec``, and sentences."""


def nothing(spec: AppSpec) -> Iterable[tuple[str, str]]:
    """The host can do everything: where nobody has asked it."""
    return ()


class Unresolvable(Exception):
    """The manifest says something that cannot be had here: a field path and a sentence."""

    def __init__(self, path: Path, message: str, reason: Reason = Reason.INVALID) -> None:
        super().__init__(message)
        self.path, self.message, self.reason = path, message, reason


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a manifest is resolved against."""

    environ: Mapping[str, str]
    key: bytes | None
    environ_is_ours: bool = True
    """False in the command line: there `fromEnv` would read another shell's environment."""
    check: bool = True
    """Look whether directories, programs and users exist (not for manifests of the past)."""
    refusals: Refusals = nothing
    """What this host cannot honour (``checks.enforceable``)."""
    cores: int = 1
    """How many processes `instances: max` is."""
    trust: Trust = dataclasses.field(default_factory=trusting)
    state: str | None = None
    """recon's own directory, links resolved."""
    filled: Filled = dataclasses.field(default_factory=Filled)
    """The env and secret files that were not empty once."""
