"""A target as the process that sends knows it: absolute paths, and what bounds a try."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.model.spec.notify import NotifyTarget  # heavy, and not for the notifier


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages of one name go."""

    name: str
    url: str | None = None
    url_file: str | None = None
    webhook: str | None = None
    webhook_file: str | None = None
    command: tuple[str, ...] = ()
    user: str | None = None
    folder: str = "/"
    """In which ``command`` runs: the one of the manifest."""
    timeout: float = 30.0
    """Seconds of one try."""
    give_up: float = 86_400.0
    """Seconds of all tries."""

    @classmethod
    def of(cls, name: str, spec: NotifyTarget, folder: str) -> Target:
        """``folder``: where the manifest stands."""

        def absolute(path: str | None) -> str | None:
            return os.path.normpath(os.path.join(folder, path)) if path is not None else None

        return cls(
            name,
            spec.url,
            absolute(spec.url_file),
            spec.webhook,
            absolute(spec.webhook_file),
            spec.command or (),
            spec.user,
            folder,
            spec.timeout_seconds,
            spec.give_up_seconds,
        )

    def to_document(self) -> dict[str, Any]:
        """As it is sent to the process: over a socket, where no other user reads it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Target:
        """What ``to_document`` made."""
        return cls(**{**document, "command": tuple(document["command"])})
