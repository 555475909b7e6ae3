"""Candidates for a text in which one value was put or cut, the most natural one first.

Pure text surgery at the places that the parser told. Which candidate is right, if any, is for
``edit`` to find out by reading it; all of them leave every byte alone that is not of the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from reconciler.desired.text.layout import (
    at,
    end_of,
    end_of_line,
    first_column,
    is_flow,
    keys,
    line_end,
    opening,
)
from reconciler.desired.text.render import block_forms, forms
from reconciler.desired.text.yaml import Document, Path

_BLANKS = " \t"
_COMMA = re.compile(r"\s*,")
_GAP = re.compile(r"[ \t]*")


def put(source: str, document: Document, path: Path, value: Any) -> Iterator[str]:
    """Texts with ``value`` at ``path``: in the place of what stands there, or added."""
    if path in document.marks:
        yield from _replaced(source, document, path, value)
        return
    above = path[:-1]
    while above not in document.marks:
        above = above[:-1]
    for step in reversed(path[len(above) + 1 :]):
        value = {step: value}
    key = str(path[len(above)])
    start = opening(source, document.marks[above].start)
    if start is not None:
        yield from _into_flow(source, document, above, start, (key, value))
    elif keys(document, above):  # else an alias: what stands there is written elsewhere
        if len(path) == 2:  # a field of the spec gets lines of its own for what it holds
            entries = [*block_forms(key, value)]
        else:
            entries = [[f"{key}: {form}"] for form in forms(value)]
        for entry in entries:
            yield from _after_last(source, document, above, entry)
        for entry in entries:
            yield _before_first(source, document, above, entry)


def cut(source: str, document: Document, path: Path) -> Iterator[str]:
    """Texts without the key at ``path`` and its value."""
    key, above = document.marks.get((*path, "<key>")), path[:-1]
    if key is None:
        return  # it stands in an alias
    if opening(source, document.marks[above].start) is not None:
        yield from _out_of_flow(source, key.start, document.marks[path].end)
    else:
        is_last = len(keys(document, above)) == 1
        for text in _out_of_block(source, document, path, key.start):
            yield _emptied(text, document, above) if is_last else text


# -- put -----------------------------------------------------------------------------------------


def _replaced(source: str, document: Document, path: Path, value: Any) -> Iterator[str]:
    mark = document.marks[path]
    if isinstance(at(document, path), dict | list) and not is_flow(source, mark.start):
        yield from _block_replaced(source, document, path, value)
        return
    old = source[mark.start : mark.end]
    # An empty value has its place right behind the colon.
    blank = "" if old or source[mark.start - 1 : mark.start] in _BLANKS else " "
    # A block scalar ends behind its last line break, which is the file's, not the value's.
    tail = old[len(old.rstrip()) :]
    for form in forms(value, old):
        yield source[: mark.start] + blank + form + tail + source[mark.end :]


def _block_replaced(source: str, document: Document, path: Path, value: Any) -> Iterator[str]:
    """A block collection gives way: a list to a list of the same kind, all else to ``{…}``."""
    mark, end = document.marks[path], end_of(source, document, path)
    old = source[mark.start : end]
    tail = old[len(old.rstrip()) :]
    if isinstance(value, list) and value and source[mark.start] == "-":
        gap = line_end(source) + " " * (mark.column - 1) + "- "
        items = [[*forms(item, '"' if '"' in old else "")] for item in value]
        for choice in (0, -1):
            lines = gap.join(item[choice] for item in items)
            yield f"{source[: mark.start]}- {lines}{tail}{source[end:]}"
    key = document.marks.get((*path, "<key>"))
    if key is None:
        return
    colon = source.index(":", key.end) + 1
    first, last = end_of_line(source, colon), end_of_line(source, end)
    for form in forms(value, old):
        yield f"{source[:colon]} {form}{source[colon:first]}{source[last:]}"


def _into_flow(
    source: str, document: Document, above: Path, start: int, entry: tuple[str, Any]
) -> Iterator[str]:
    """As the first entry of ``{…}``: what follows the last may be a comma or a comment."""
    key, value = entry
    there = keys(document, above)
    if not there:
        for form in forms(value):
            yield f"{source[:start]}{key}: {form}{source[start:]}"
        return
    first = min(there)
    quote = '"' if source[first] == '"' else ""
    key = json.dumps(key) if quote else key
    line = source.rfind("\n", start, first) + 1
    alone = line > 0 and not source[line:first].strip()
    gap = line_end(source) + source[line:first] if alone else " "
    for form in forms(value, quote):
        yield f"{source[:first]}{key}: {form},{gap}{source[first:]}"


def _after_last(source: str, document: Document, above: Path, entry: list[str]) -> Iterator[str]:
    """On lines of its own, below the last line of the mapping (and a comment beside that).

    Nothing where that is a block scalar: it ends where its indentation says.
    """
    end = end_of(source, document, above)
    if source[end - 1] == "\n":
        return
    end = end_of_line(source, end)
    gap = line_end(source) + " " * (first_column(document, above) - 1)
    yield f"{source[:end]}{gap}{gap.join(entry)}{source[end:]}"


def _before_first(source: str, document: Document, above: Path, entry: list[str]) -> str:
    first = min(keys(document, above))
    gap = line_end(source) + " " * (first_column(document, above) - 1)
    return f"{source[:first]}{gap.join(entry)}{gap}{source[first:]}"


# -- cut -----------------------------------------------------------------------------------------


def _out_of_block(source: str, document: Document, path: Path, key: int) -> Iterator[str]:
    """Its lines, with the comments in and beside them."""
    line = source.rfind("\n", 0, key) + 1
    if source[line:key].strip():
        return
    end = end_of(source, document, path)
    # A block scalar ends behind the blank lines below it, which are better left.
    text = source[key:end]
    near = end_of_line(source, key + len(text.rstrip()))
    for last in (near, end_of_line(source, end)):
        rest = source[last:]
        rest = rest.removeprefix("\r").removeprefix("\n")
        yield source[:line] + rest


def _emptied(source: str, document: Document, above: Path) -> str:
    """A block mapping that lost its last key is `{}`; comments in it stay where they are."""
    holder = document.marks.get((*above, "<key>"))
    if holder is None:
        return source
    colon = source.index(":", holder.end) + 1
    return f"{source[:colon]} {{}}{source[colon:]}"


def _out_of_flow(source: str, key: int, end: int) -> Iterator[str]:
    comma = _COMMA.match(source, end)
    if comma is not None:
        yield _without(source, key, comma.end())
    before = source[:key].rstrip()
    if before.endswith(","):
        yield source[: len(before) - 1] + source[end:]
    # Here a comment may stand between the comma and the key.
    yield source[:key] + source[end:]


def _without(source: str, start: int, end: int) -> str:
    """An entry taken out: its lines where it has them for itself, else with the blanks after."""
    line, line_break = source.rfind("\n", 0, start) + 1, source.find("\n", end)
    alone = line > 0 and line_break >= 0 and not source[line:start].strip()
    beside = source[end:line_break].strip()
    if alone and (not beside or beside.startswith("#")):
        return source[:line] + source[line_break + 1 :]
    blanks = _GAP.match(source, end)
    return source[:start] + source[blanks.end() if blanks else end :]
