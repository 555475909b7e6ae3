"""A manifest as a person would have written it: YAML text of plain data.

Guarantee: the text reads back as exactly the data that was meant, or, should the pretty form
fail at that, a plainer form is used which does (every text quoted).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.convert.manifests import yaml_scalar
from reconciler.desired.text import yaml

Path = tuple[str, ...]
WIDTH = 96
_FLOW_WIDTH = 72
# Below these recon's reader takes plain scalars for text.
_TEXT_KEYS = {"env", "command", "preStop"}
# One to a line, however few there are.
_ALWAYS_BLOCK = {"env", "spec", "profiles"}


def manifest(data: Mapping[str, Any], header: list[str]) -> str:
    """The text of one document, below the comments of ``header`` (paragraphs)."""
    plain = _plain(data)
    for form in (_Pretty(), _Pretty(quote=True)):
        top = [line for paragraph in header for line in comment(paragraph)]
        found = "\n".join([*top, *form.mapping(data, ())]) + "\n"
        if _reads_as(found, plain):
            return found
    raise AssertionError("a manifest that does not read back as what was meant")


def comment(sentence: str) -> list[str]:
    """Lines of a comment; nothing in it can end the comment."""
    plain = "".join(c if c.isprintable() else " " for c in sentence)
    lines = textwrap.wrap(plain, WIDTH - 2, subsequent_indent="  ", break_on_hyphens=False)
    return [f"# {line}" for line in lines or [""]]


def _reads_as(found: str, value: Any) -> bool:
    try:
        documents = yaml.parse(found)
    except yaml.Fault:
        return False
    return len(documents) == 1 and documents[0].data == value


def _plain(value: Any) -> Any:
    """Only dicts, lists and plain text, as the reader gives them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


class _Pretty:
    """Lines of block YAML; small things in brackets."""

    def __init__(self, *, quote: bool = False) -> None:
        self._quote = quote

    def mapping(self, data: Mapping[str, Any], path: Path) -> Iterator[str]:
        indent = 2 * len(path)
        for name, value in data.items():
            here = (*path, str(name))
            head, *rest = self._entry(value, here)
            gap = " " if head else ""
            yield f"{' ' * indent}{self._text(str(name))}:{gap}{head}"
            yield from rest

    def _entry(self, value: Any, path: Path) -> Iterator[str]:
        """What stands behind the colon, and the lines below."""
        indent = " " * (2 * len(path))
        if isinstance(value, Mapping) and value and not self._fits(value, path):
            yield ""
            yield from self.mapping(value, path)
        elif isinstance(value, list | tuple) and value and not self._fits(value, path):
            yield ""
            yield from (f"{indent}- {self._flow(inner, path)}" for inner in value)
        else:
            block = None
            if isinstance(value, str) and not self._quote:
                block = yaml_scalar.literal(value)
            head, *lines = block or [self._flow(value, path)]
            yield head
            yield from ((indent + line).rstrip() for line in lines)

    def _fits(self, value: Any, path: Path) -> bool:
        inner = value.values() if isinstance(value, Mapping) else value
        if path[-1] in _ALWAYS_BLOCK or any("\n" in one for one in inner if isinstance(one, str)):
            return False
        return len(self._flow(value, path)) <= _FLOW_WIDTH

    def _flow(self, value: Any, path: Path) -> str:
        if isinstance(value, Mapping):
            entries = (
                f"{self._text(str(name), True)}: {self._flow(inner, (*path, str(name)))}"
                for name, inner in value.items()
            )
            return "{" + ", ".join(entries) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(self._flow(inner, path) for inner in value) + "]"
        if isinstance(value, str):
            return self._text(value, True, number=_is_text(path))
        return json.dumps(value)  # numbers, true and false

    def _text(self, value: str, flow: bool = False, *, number: bool = False) -> str:
        if self._quote:
            return yaml_scalar.quoted(value)
        found = yaml_scalar.text(value, number=number)
        if flow and "," in found and found[0] not in "\"'":
            return yaml_scalar.quoted(value)
        return found


def _is_text(path: Path) -> bool:
    """Whether recon reads a plain scalar there as text: as ``yaml`` says."""
    return any(step in _TEXT_KEYS for step in path[-2:])
