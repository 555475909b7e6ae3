"""What is known of all apps at one moment, and whether that is still so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last that was read. Everything in it may be shared between threads, and is never changed.

    A snapshot that is ``blind`` still has what was known before: show it greyed, with ``read_at``.
    """

    number: int = 0
    """Grows by one with each snapshot."""
    status: Document | None = None
    """The document of ``Client.status()``; None where none was ever read."""
    usage: Document | None = None
    """The document of ``Client.usage()``."""
    events: tuple[Document, ...] = ()
    """The newest events, oldest first (``docs/events.md``)."""
    read_at: float = 0.0
    """When ``status`` was read, in seconds since 1970; 0 where none was."""
    blind: str = ""
    """Why nothing newer is known, a sentence; empty where the controller answers."""
    is_gone: bool = False
    """It is blind because no controller runs."""
    blind_since: float = 0.0
    """Seconds since 1970; 0 where the controller answers."""

    @property
    def apps(self) -> tuple[Document, ...]:
        """The apps of the status, by name."""
        return tuple(self.status["apps"]) if self.status is not None else ()

    def app(self, name: str) -> Document | None:
        """One app of the status; None where there is none."""
        return next((app for app in self.apps if app["name"] == name), None)

    def used_by(self, name: str) -> tuple[Document, ...]:
        """The rows of ``usage`` of one app."""
        rows = self.usage["instances"] if self.usage is not None else ()
        return tuple(row for row in rows if row["app"] == name)
