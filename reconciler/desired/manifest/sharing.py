"""Equal parts of the specs of many apps are one object.

A thousand apps have a few kinds of strategies, probes and limits between them, and set the same
fields. Each with its own took 1 KiB an app.
"""

from __future__ import annotations

from types import NoneType
from typing import Any, TypeVar

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.nothing import NOTHING

S = TypeVar("S", bound=ProgramSpec)

_MOST = 64
"""Kinds that are remembered of either; then from the beginning. Each of a thousand apps may have a
port of its own in a probe: to remember what none shares would take more than it saves."""
_SET = "__pydantic_fields_set__"
_PLAIN = frozenset((str, int, float, bool, NoneType))
_fields: dict[frozenset[str], set[str]] = {}
_parts: dict[tuple[Any, ...], Manifest] = {}


def share(spec: S) -> S:
    """The spec, which was just made for this and nothing else refers to."""
    values, fields = spec.__dict__, frozenset(spec.model_fields_set)
    for name in fields:
        value = values[name]
        if isinstance(value, Manifest):
            values[name] = _part(value)
    if not spec.watched:
        values["watched"] = NOTHING
    object.__setattr__(spec, _SET, _one(_fields, fields, spec.model_fields_set))
    return spec


def _part(part: Manifest) -> Manifest:
    """One that says the same in the same words."""
    try:
        return _one(_parts, _words(part), part)
    except TypeError:
        return part


def _words(value: Any) -> tuple[Any, ...]:
    """What was written. Types count, since 1 and 1.0 are equal; TypeError of what may change."""
    if isinstance(value, Manifest):
        fields: Any = frozenset(value.__pydantic_fields_set__)
        values = [*value.__dict__.values()]
    elif isinstance(value, tuple):
        fields, values = None, [*value]
    else:
        raise TypeError(type(value))
    kinds = (*map(type, values),)
    if not _PLAIN.issuperset(kinds):
        for place, kind in enumerate(kinds):
            if kind not in _PLAIN and not issubclass(kind, str):
                values[place] = _words(values[place])
    return (type(value), fields, kinds, *values)


K = TypeVar("K")
V = TypeVar("V")


def _one(known: dict[K, V], key: K, value: V) -> V:
    if len(known) >= _MOST:
        known.clear()
    return known.setdefault(key, value)
