"""What a change of a field does, declared on the field itself, once.

``template`` fields are part of an instance's identity: a change replaces processes.
``in_place`` fields are obeyed by the controller at once, on the processes that run.
``diff``, the documentation and the JSON Schema read it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import BaseModel, Field, JsonValue
from pydantic.fields import FieldInfo


class Effect(StrEnum):
    REPLACES = "replaces"
    IN_PLACE = "in-place"


_KEY = "x-recon-effect"
_DECIDES = "x-recon-decides-readiness"
_OWN = "x-recon-own"


def template(default: Any, description: str, **constraints: Any) -> Any:
    """A pydantic field whose change replaces the processes."""
    return _field(default, description, Effect.REPLACES, constraints)


def own(default: Any, description: str) -> Any:
    """A template field that recon fills in; no manifest may."""
    extra: dict[str, JsonValue] = {_OWN: True, _KEY: Effect.REPLACES.value}
    return Field(default, description=description, json_schema_extra=extra)


def is_own(field: FieldInfo) -> bool:
    """Whether recon fills it in."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and _OWN in extra


def in_place(default: Any, description: str, *, decides_readiness: bool, **constraints: Any) -> Any:
    """A pydantic field whose change is applied to the processes that run.

    ``decides_readiness``: another value may make a revision good that has failed, so an edit of it
    is a reason to try that again. Of all other fields none is.
    """
    made = _field(default, description, Effect.IN_PLACE, constraints)
    if decides_readiness:
        made.json_schema_extra[_DECIDES] = True
    return made


@cache
def effects(model: type[BaseModel]) -> Mapping[str, Effect]:
    """The effect of each field of ``model``, by the name it has in a manifest."""
    found: dict[str, Effect] = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and _KEY in extra:
            found[field.alias or name] = Effect(str(extra[_KEY]))
    return found


def deciding(model: type[BaseModel]) -> frozenset[str]:
    """The fields applied in place that decide readiness, by their names in a manifest."""
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and _DECIDES in field.json_schema_extra
    )


def _field(default: Any, description: str, effect: Effect, constraints: dict[str, Any]) -> Any:
    return Field(
        default, description=description, json_schema_extra={_KEY: effect.value}, **constraints
    )
