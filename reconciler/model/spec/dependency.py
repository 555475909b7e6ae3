"""What an app needs to be there before it starts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.model.spec.base import Manifest
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Flag, Name


class DependencyCondition(StrEnum):
    STARTED = "Started"
    READY = "Ready"
    COMPLETED = "Completed"


class Dependency(Manifest):
    """An app that has to be there before this one is started from nothing."""

    app: Name = Field(description="the name of an app of this directory")
    condition: DependencyCondition = Field(
        DependencyCondition.READY,
        description="Started (all its instances run), Ready (enough of them are available) or"
        " Completed (all have succeeded)",
    )
    restart: Flag = Field(
        False, description="replace this app's processes after its dependency's were replaced"
    )


def needs_of(dependencies: Iterable[Dependency]) -> tuple[tuple[str, str], ...]:
    """Names of apps, each with the word of the condition."""
    return tuple((need.app, need.condition.value) for need in dependencies)


def _depends_on(value: Any) -> Any:
    if isinstance(value, list):
        return [{"app": item} if isinstance(item, str) else item for item in value]
    return value


def _each_once(value: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
    names = [dependency.app for dependency in value]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidValue(f"{twice} is named twice", "keep one of them")
    return value


DependsOn = Annotated[
    tuple[Dependency, ...],
    BeforeValidator(_depends_on, json_schema_input_type=list[str | Dependency]),
    AfterValidator(_each_once),
]
