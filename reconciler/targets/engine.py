"""What recon asks of an engine beyond this host, whichever it is.

An engine observes and converges by itself. So recon looks, plans, hands over, and shows. A look
gives the same plain data as this host's plan (``model.state.plan``): one renderer, one set of
formats and one set of exit codes serve both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol

from reconciler.convert.fields import Note
from reconciler.model.state.desired import Desired
from reconciler.model.state.plan import AppStatus, Changes


class EngineError(Exception):
    """The engine did not answer, or refused: a sentence, with what to do."""


class Line(NamedTuple):
    """A line of output."""

    instance: str
    time: float | None
    """Seconds since 1970."""
    text: str
    is_error: bool = False
    """Of standard error, where the engine tells the two apart."""


class Past(NamedTuple):
    """A revision that the engine remembers."""

    number: int
    created_at: float
    """Seconds since 1970."""
    state: str
    """As of `rollout history`: ``running``, ``good``, ``superseded``, …"""
    digest: str
    template: dict[str, object]
    """What ran, in the engine's own words; secrets are names only."""


class Happening(NamedTuple):
    """Something that the engine says of an app."""

    at: float
    """Seconds since 1970."""
    instance: str
    reason: str
    message: str
    is_warning: bool


class View(NamedTuple):
    """One look."""

    changes: Changes
    """What `apply` would do."""
    statuses: tuple[AppStatus, ...]
    """By name: of all that is declared, and of what recon made there."""
    notes: tuple[Note, ...] = ()
    """What cannot be said there, or means something else."""


class Engine(Protocol):
    """One engine at one address. Each method raises EngineError."""

    name: str
    """As `--target` spells it."""

    def look(
        self, desired: Desired, names: Collection[str] | None, *, prune: bool, force: bool = False
    ) -> View:
        """What is there beside what is declared; nothing changes there.

        ``names``: only these apps, and then nothing is removed. ``prune``: removals are
        confirmed. ``force``: fields that others own are taken over.
        """

    def apply(self, desired: Desired, names: Collection[str] | None, view: View) -> None:
        """Hand over what a look found to do."""

    def logs(self, app: str, *, lines: int | None, follow: bool) -> Iterator[Line]:
        """The last lines of each instance, by time; then, with ``follow``, what comes."""

    def history(self, app: str) -> tuple[Past, ...]:
        """Its revisions, the oldest first."""

    def events(self, app: str) -> tuple[Happening, ...]:
        """What the engine says of it, the oldest first."""

    def undo(self, app: str, revision: int) -> int:
        """Back to a revision, 0 for the one before; the revision that it was."""

    def restart(self, app: str) -> None:
        """Replace its instances in the engine's own rolling way."""

    def pause(self, app: str, *, paused: bool) -> None:
        """Hold its rollout, or let it go on."""
