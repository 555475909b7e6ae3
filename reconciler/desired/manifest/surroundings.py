"""What a manifest is resolved against, and what it means that it cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from reconciler.desired.environment.filled import Filled
from reconciler.desired.text.yaml import Path
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Reason
from reconciler.model.words.sentence import Sentence
from reconciler.system.files.trust import Trust, trusting

Refusals = Callable[[ProgramSpec], Iterable[tuple[str, Sentence]]]
"""What of a spec is unavailable on the host: dotted paths below ``spec``, and why."""


def nothing(spec: ProgramSpec) -> Iterable[tuple[str, Sentence]]:
    """Facts of a host that can do everything, for use where the host is not looked at."""
    return ()


class Unresolvable(Exception):
    """The manifest asks for something that is unavailable: a field, why, and what to do."""

    def __init__(
        self, path: Path, message: str, remedy: str = "", *, reason: Reason = Reason.INVALID
    ) -> None:
        super().__init__(str(Sentence(message, remedy)))
        self.path, self.message, self.remedy, self.reason = path, message, remedy, reason


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a manifest is resolved against."""

    environ: Mapping[str, str]
    key: bytes | None
    environ_is_own: bool = True
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
