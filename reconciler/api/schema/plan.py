"""What would change: `GET /v1/plan`, and `recon apply --dry-run -o json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.api.schema.base import Document, Versioned, Whole
from reconciler.api.schema.status import FromTo, Load, Mistake
from reconciler.model.words.fields import Effect


class FieldEdit(Document):
    """One field that differs. Values of secrets are masked."""

    path: str
    from_: Any = Field(alias="from", description="Null: it was not there.")
    to: Any = Field(description="Null: it is not there any more.")
    effect: Effect
    file: str | None
    line: int | None


class Counts(Document):
    """How many processes."""

    start: Whole
    replace: Whole
    stop: Whole


class Summary(Counts):
    """How many processes, of all apps."""

    unchanged: Whole


class Change(Document):
    """The whole way of one app to what is declared."""

    app: str
    kind: Literal["App", "Job"]
    action: Literal["create", "update", "delete", "none"]
    revision: FromTo
    fields: list[FieldEdit]
    instances: Counts
    notes: list[str]
    held: bool = Field(description="It waits for a confirmation or a correction.")
    load: Load | None


class Base(Document):
    """The revision in git that was compared with (`--base`)."""

    revision: str
    commit: str


class Plan(Versioned):
    """What a pass would change, of all apps."""

    changes: list[Change]
    summary: Summary
    errors: list[Mistake]
    base: Base | None = None
