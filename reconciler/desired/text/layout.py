"""How a document is laid out in its text: where a mapping's keys stand, and where a value ends.

For ``edit``, which splices text in and out. The parser's own end of a block collection is where
the next thing begins, behind comments and blank lines that are not its own; so the end here is
that of the last scalar or bracket in it.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.desired.text.yaml import Document, Path

# What may stand before a mapping's first character: an anchor, a tag.
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")


def opening(source: str, start: int) -> int | None:
    """The index behind a flow mapping's ``{``; None for a block mapping."""
    properties = _PROPERTIES.match(source, start)
    index = properties.end() if properties is not None else start
    return index + 1 if source[index : index + 1] == "{" else None


def end_of(source: str, document: Document, above: Path) -> int:
    """The index behind the last scalar, key or bracket at or below ``above``."""
    last = max(
        mark.end
        for path, mark in document.marks.items()
        if path[: len(above)] == above and not isinstance(at(document, path), dict | list)
    )
    return max(last, _flow_end(source, document, above))


def _flow_end(source: str, document: Document, above: Path) -> int:
    """The end of the last ``{…}`` or ``[…]`` below ``above`` (a block collection's is not an
    end)."""
    return max(
        (
            mark.end
            for path, mark in document.marks.items()
            if path[: len(above)] == above
            and isinstance(at(document, path), dict | list)
            and source[mark.end - 1] in "}]"
            and source[mark.start] in "{[&!"
        ),
        default=0,
    )


def at(document: Document, path: Path) -> Any:
    """The data at a path; None for a key's."""
    data = document.data
    for step in path:
        if step == "<key>":
            return None
        data = data[step]
    return data


def keys(document: Document, above: Path) -> list[int]:
    """Where the keys of the mapping at ``above`` start."""
    length = len(above) + 2
    return [
        mark.start
        for path, mark in document.marks.items()
        if len(path) == length and path[-1] == "<key>" and path[: len(above)] == above
    ]


def first_column(document: Document, above: Path) -> int:
    """The column, from 1, of the first key of the block mapping at ``above``."""
    first = min(keys(document, above))
    return next(mark.column for mark in document.marks.values() if mark.start == first)


def is_flow(source: str, start: int) -> bool:
    """Whether the collection that starts there is in brackets (or an alias of one anywhere)."""
    properties = _PROPERTIES.match(source, start)
    index = properties.end() if properties is not None else start
    return source[index : index + 1] in ("{", "[", "*")


def end_of_line(source: str, index: int) -> int:
    """Where the line that holds the character before ``index`` ends, before its line break."""
    if source[index - 1 : index] == "\n":
        index -= 1
    else:
        found = source.find("\n", index)
        index = len(source) if found < 0 else found
    return index - source[:index].endswith("\r")


def line_end(source: str) -> str:
    """The file's line break."""
    return "\r\n" if "\r\n" in source else "\n"
