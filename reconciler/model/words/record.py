"""Records (frozen dataclasses) with some values changed, where that is done in every pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

R = TypeVar("R")


def replace(record: R, /, **changes: Any) -> R:
    """As ``dataclasses.replace``, in half the time: for records of two fields and more.

    KeyError where there is no such field.
    """
    kind: Any = record.__class__
    values_of, places = _shape(kind)
    values = [*values_of(record)]
    for name, value in changes.items():
        values[places[name]] = value
    return cast("R", kind(*values))


@cache
def _shape(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], Mapping[str, int]]:
    names = [field.name for field in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}
