"""Plain YAML becomes data without places: three fifths of what it takes with them.

A manifest in which nothing is wrong is never asked for a place. Whatever is not plain (an alias, an
anchor, a tag, a key that occurs twice or is no text, all that the parser refuses) is for ``yaml``,
which also has the sentences.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import yaml

from reconciler.desired.text.scalar import TEXT_KEYS, scalar

PARSER: Any = yaml.SafeLoader
with contextlib.suppress(ImportError):  # PyYAML may have been built without libyaml
    from yaml._yaml import CParser as PARSER


class NotPlainError(Exception):
    """Something for the other way."""


def documents(text: str, most_depth: int) -> list[tuple[Any, int]]:
    """The data of each document, None where it holds nothing, and the line that it begins in.

    NotPlainError, YAMLError.
    """
    get: Callable[[], Any] = PARSER(text).get_event
    found = []
    get()
    while type(get()) is not yaml.StreamEndEvent:
        event = get()
        line = event.start_mark.line + 1
        found.append((_value(get, event, most_depth, None, is_text=False), line))
        get()
    return found


def _value(
    get: Callable[[], Any], event: Any, depth: int, key: str | int | None, *, is_text: bool
) -> Any:
    """The value that begins with an event. ``depth``: how many more may be around another;
    ``key``: the last step to it; ``is_text``: the step before is one of ``TEXT_KEYS``."""
    kind = type(event)
    if kind is yaml.AliasEvent or event.anchor or event.tag is not None or depth < 0:
        raise NotPlainError
    if kind is yaml.ScalarEvent:
        value: str = event.value
        if is_text or not event.implicit[0] or (value and key in TEXT_KEYS):
            return value
        return scalar(value)
    is_text = key in TEXT_KEYS
    depth -= 1
    if kind is yaml.SequenceStartEvent:
        items: list[Any] = []
        while type(event := get()) is not yaml.SequenceEndEvent:
            items.append(_value(get, event, depth, len(items), is_text=is_text))
        return items
    fields: dict[str, Any] = {}
    while type(event := get()) is not yaml.MappingEndEvent:
        if type(event) is not yaml.ScalarEvent or (name := event.value) in fields:
            raise NotPlainError
        fields[name] = _value(get, get(), depth, name, is_text=is_text)
    return fields
