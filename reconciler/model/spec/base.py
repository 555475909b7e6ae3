"""What every object of a manifest is: camelCase names, no unknown fields, immutable."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Manifest(BaseModel):
    """Base of all manifest objects: camelCase names, unknown fields are errors, immutable."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        # A model is built where it is first used: most are only parts of others, which have them
        # built in. That opens no file, of which there may be none left by then.
        defer_build=True,
    )
