"""Plain data as YAML that every reader takes for the same data.

Only words that begin with a letter and hold nothing special stand plain. All other text is in
double quotes, since readers of YAML 1.1 take much of it for something else (``no``, ``1e3``,
``22:22``, ``.1_5``). Readers differ in what they take plain, and agree on what is quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.convert.manifests.yaml_scalar import quoted

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def document(data: Mapping[str, Any]) -> str:
    """The text of one document, which ends with a line end."""
    return "\n".join(_mapping(data, "")) + "\n"


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in data.items():
        head = f"{indent}{_text(name)}:"
        if isinstance(value, Mapping) and value:
            yield head
            yield from _mapping(value, f"{indent}  ")
        elif isinstance(value, list) and value:
            yield head
            yield from _items(value, indent)
        else:
            yield f"{head} {_scalar(value)}"


def _items(data: list[Any], indent: str) -> Iterator[str]:
    for item in data:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item, f"{indent}  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    """Also an empty mapping or list."""
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return quoted(value)
