"""What recon asks of an engine beyond this host, whichever it is.

An engine observes and converges by itself. So recon needs of it what people need to see: the
plan, the state, the output; and to hand over what is declared. All answers are the documents that
the same verbs print for this host, so that one renderer, one set of formats and one set of exit
codes serve both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from reconciler.model.state.desired import Workload

Document = Mapping[str, Any]


class EngineError(Exception):
    """The engine did not answer, or refused: a sentence, what to do included."""


class Line(NamedTuple):
    """A line of output. ``time``: seconds since the epoch."""

    app: str
    instance: str
    time: float
    text: str


class Engine(Protocol):
    """One engine at one address. Each method raises EngineError."""

    name: str
    """As `--target` spells it: ``kubernetes:minikube``."""

    def plan(self, apps: Sequence[Workload], *, prune: bool) -> Document:
        """The change document (`apply --dry-run -o json`). Nothing changes there.

        ``prune``: ``apps`` is all that is declared, so what recon made and is not in it would go.
        """

    def apply(self, apps: Sequence[Workload], *, prune: bool) -> Iterator[Document]:
        """Hand over, then the status document again and again until all is settled."""

    def status(self, names: Sequence[str]) -> Document:
        """The status document (`status -o json`); of all that recon made where no name is given."""

    def describe(self, app: str) -> Document:
        """The document of `describe -o json`."""

    def logs(self, names: Sequence[str], *, lines: int, follow: bool) -> Iterator[Line]:
        """The last lines of each instance, then, with ``follow``, what comes."""

    def history(self, app: str) -> Document:
        """Its revisions, as `rollout history -o json` has them."""

    def undo(self, app: str, revision: int | None) -> None:
        """Back to a revision; to the one before where none is given."""

    def restart(self, app: str) -> None:
        """Replace its instances by the engine's own rolling way."""

    def pause(self, app: str, *, paused: bool) -> None:
        """Hold its rollout, or let it go on."""
