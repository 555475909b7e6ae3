"""The answer to an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.api.documents.status import FORMAT_VERSION
from reconciler.desired.edits.order import Outcome


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action."""

    message: str
    """A sentence."""
    done: bool = True
    """False where nothing was changed: in a dry run, or because all is as it is wanted."""
    edits: Sequence[Outcome] = ()
    warnings: Sequence[str] = ()
    """What may be wrong with it, as sentences: to be read first."""
    notes: Sequence[str] = ()
    """What a person has to know besides, as sentences."""
    run: int | None = None
    """The number of the run that was requested."""


def action_document(action: str, app: str | None, done: Done) -> dict[str, Any]:
    """``POST /v1/apps/{app}/{action}`` and ``POST /v1/{action}``."""
    document: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        "action": action,
        "app": app,
        "done": done.done,
        "message": done.message,
        "warnings": [*done.warnings],
        "notes": [*done.notes],
        "edits": [{"file": one.file, "line": one.line, "diff": one.diff} for one in done.edits],
    }
    return document if done.run is None else {**document, "run": done.run}
