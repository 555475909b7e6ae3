"""Bodies of actions, and their answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconciler.api.schema.base import Document, Versioned, Whole

Count = Annotated[int, Field(ge=0, le=100_000)] | Literal["max", "max-1"]


class Body(Document):
    """No field: the body may be empty."""

    # Of a request, unlike of an answer: a field that is not known is a mistake.
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ActionBody(Body):
    """How an action is carried out."""

    dry_run: bool = Field(False, description="Do nothing, and answer with what would be done.")


class ScaleBody(ActionBody):
    """How many instances an app is to have."""

    instances: Count


class UndoBody(ActionBody):
    """To which revision an app is to go back."""

    revision: Annotated[int, Field(ge=0, le=2**53)] | None = Field(
        None, description="Its number; 0 or none: the last one that was good."
    )


class EditDocument(Document):
    """An edit of a manifest."""

    file: str
    line: Whole = Field(description="The first line that it changes.")
    diff: str = Field(description="A unified diff; secrets are masked.")


class ActionAnswer(Versioned):
    """What an action did."""

    action: str
    app: str | None
    done: bool = Field(description="False in a dry run, and where nothing had to be done.")
    message: str = Field(description="A sentence.")
    warnings: list[str] = Field(description="What may be wrong with it: to be read first.")
    notes: list[str] = Field(description="What a person has to know besides.")
    edits: list[EditDocument]
    run: Whole | None = Field(None, description="Of `run-job`: the number of the run.")
