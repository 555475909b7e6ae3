"""What all models share: names in camelCase, and the words that many of them use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Moment = Annotated[
    str,
    Field(
        description="A time in UTC: ISO 8601 with milliseconds.",
        json_schema_extra={"format": "date-time"},
    ),
]
Whole = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, description="Seconds.")]
Bytes = Annotated[int, Field(ge=0, description="Bytes.")]
Percent = Annotated[float, Field(ge=0, description="Percent of one core.")]


class Document(BaseModel):
    """A JSON object. New fields may come with any release; none goes, nor changes its meaning."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Versioned(Document):
    """A whole answer."""

    format_version: Literal[1] = Field(description="Another number means another form.")


class Refusal(Document):
    """Why a request is not carried out."""

    error: str = Field(description="A sentence for people; it may change.")
