"""Edit one field of a manifest and nothing else in the file, byte for byte.

Guarantee: comments, line ends, quoting, blanks and other documents stay as they are. The new
text is spliced in where the parser says that the value stands; then the whole is parsed again
and compared: unless exactly that one value differs, nothing is returned but an ``EditError``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from reconciler.desired import yaml
from reconciler.desired.locate import declarations
from reconciler.desired.yaml import Document, Fault, Path

Scalar = str | int | float | bool

_BLANKS = " \t"
# What may stand before a mapping's first character: an anchor, a tag.
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")


class EditError(Exception):
    """The edit cannot be made without touching more than the field: a sentence."""


def set_field(text: bytes, app: str, path: tuple[str, ...], value: Scalar) -> bytes:
    """``text`` with the field at ``path`` of ``app`` set to ``value``.

    ``path`` is from the document's top, e.g. ``("spec", "instances")``. A scalar is replaced, a
    missing key added. EditError where that cannot be done, or ``text`` is no manifest.
    """
    bom = codecs.BOM_UTF8 if text.startswith(codecs.BOM_UTF8) else b""
    try:
        source = yaml.decode(text)
        documents = yaml.parse(source)
    except Fault as fault:
        raise EditError(f"line {fault.line}: {fault.message}; mend the file first") from None
    document = _only(documents, app)
    wanted = _wanted(documents, document, path, value)
    if wanted == _canonical(documents):
        return text
    for edited in _attempts(source, document, path, value):
        if _reads_as(edited, wanted):
            return bom + edited.encode()
    dotted = ".".join(path)
    raise EditError(f"{dotted} of {app} cannot be set without touching more; edit it by hand")


def _only(documents: list[Document], app: str) -> Document:
    found = list(declarations(documents, app))
    if len(found) != 1:
        said = "does not declare" if not found else "declares more than once:"
        raise EditError(f"the file {said} {app}")
    return found[0]


def _wanted(documents: list[Document], document: Document, path: Path, value: Scalar) -> str:
    """All documents as they shall read after the edit, canonically."""
    changed = [_with(d.data, path, value) if d is document else d.data for d in documents]
    return _canonical_data(changed)


def _with(data: Any, path: Path, value: Scalar) -> Any:
    """A copy in which only ``path`` differs (what an alias shares is not followed)."""
    if not path:
        if isinstance(data, dict | list):
            raise EditError("the field is a map or a list, not one value; edit it by hand")
        return value
    if data is None or not isinstance(data, dict):
        raise EditError(f"there is no map for {path[0]} to stand in; edit it by hand")
    return {**data, path[0]: _with(data.get(path[0], {} if path[1:] else None), path[1:], value)}


def _attempts(source: str, document: Document, path: Path, value: Scalar) -> Iterator[str]:
    """Texts with the value in place, the most natural one first."""
    if path in document.marks:
        yield _replaced(source, document, path, value)
        return
    above = path[:-1]
    while above not in document.marks:
        above = above[:-1]
    rendered = _render_below(path[len(above) + 1 :], value)
    key = str(path[len(above)])
    opening = _opening(source, document.marks[above].start)
    if opening is not None:
        yield _into_flow(source, document, above, opening, (key, rendered))
        return
    if not _keys(document, above):
        return  # an alias: what stands there is written elsewhere
    yield from _after_last(source, document, above, f"{key}: {rendered}")
    yield _before_first(source, document, above, f"{key}: {rendered}")


def _replaced(source: str, document: Document, path: Path, value: Scalar) -> str:
    mark = document.marks[path]
    old = source[mark.start : mark.end]
    # An empty value has its place right behind the colon.
    blank = "" if old or source[mark.start - 1 : mark.start] in _BLANKS else " "
    # A block scalar ends behind its last line break, which is the file's, not the value's.
    tail = old[len(old.rstrip()) :]
    return source[: mark.start] + blank + _render(value) + tail + source[mark.end :]


def _opening(source: str, start: int) -> int | None:
    """The index behind a flow mapping's ``{``; None for a block mapping."""
    properties = _PROPERTIES.match(source, start)
    index = properties.end() if properties is not None else start
    return index + 1 if source[index : index + 1] == "{" else None


def _into_flow(
    source: str, document: Document, above: Path, opening: int, entry: tuple[str, str]
) -> str:
    """As the first entry of ``{…}``: what follows the last may be a comma or a comment."""
    key, rendered = entry
    keys = _keys(document, above)
    if not keys:
        return f"{source[:opening]}{key}: {rendered}{source[opening:]}"
    first = min(keys)
    if source[first] == '"':
        key = json.dumps(key)
    line = source.rfind("\n", opening, first) + 1
    alone = line > 0 and not source[line:first].strip()
    gap = _line_end(source) + source[line:first] if alone else " "
    return f"{source[:first]}{key}: {rendered},{gap}{source[first:]}"


def _after_last(source: str, document: Document, above: Path, entry: str) -> Iterator[str]:
    """On a line of its own, below the last line of the mapping (and a comment beside that).

    Nothing where that is a block scalar: it ends where its indentation says.
    """
    last = max(
        mark.end
        for path, mark in document.marks.items()
        if path[: len(above)] == above and not isinstance(_at(document, path), dict | list)
    )
    end = max(last, _flow_end(source, document, above))
    if source[end - 1] == "\n":
        return
    line_break = source.find("\n", end)
    end = len(source) if line_break < 0 else line_break
    end -= source[:end].endswith("\r")
    indent = " " * (_first_column(document, above) - 1)
    yield f"{source[:end]}{_line_end(source)}{indent}{entry}{source[end:]}"


def _before_first(source: str, document: Document, above: Path, entry: str) -> str:
    first = min(_keys(document, above))
    indent = " " * (_first_column(document, above) - 1)
    return f"{source[:first]}{entry}{_line_end(source)}{indent}{source[first:]}"


def _flow_end(source: str, document: Document, above: Path) -> int:
    """The end of the last ``{…}`` or ``[…]`` below ``above`` (a block collection's is no end)."""
    return max(
        (
            mark.end
            for path, mark in document.marks.items()
            if path[: len(above)] == above
            and isinstance(_at(document, path), dict | list)
            and source[mark.end - 1] in "}]"
            and source[mark.start] in "{[&!"
        ),
        default=0,
    )


def _at(document: Document, path: Path) -> Any:
    data = document.data
    for step in path:
        if step == "<key>":
            return None
        data = data[step]
    return data


def _keys(document: Document, above: Path) -> list[int]:
    """Where the keys of the mapping at ``above`` start."""
    length = len(above) + 2
    return [
        mark.start
        for path, mark in document.marks.items()
        if len(path) == length and path[-1] == "<key>" and path[: len(above)] == above
    ]


def _first_column(document: Document, above: Path) -> int:
    first = min(_keys(document, above))
    return next(mark.column for mark in document.marks.values() if mark.start == first)


def _line_end(source: str) -> str:
    return "\r\n" if "\r\n" in source else "\n"


def _render(value: Scalar) -> str:
    """JSON's form is YAML's too, for every scalar."""
    return json.dumps(value, ensure_ascii=False)


def _render_below(rest: Path, value: Scalar) -> str:
    rendered = _render(value)
    for step in reversed(rest):
        rendered = f"{{{step}: {rendered}}}"
    return rendered


def _reads_as(source: str, wanted: str) -> bool:
    try:
        return _canonical(yaml.parse(source)) == wanted
    except Fault:
        return False


def _canonical(documents: list[Document]) -> str:
    return _canonical_data([document.data for document in documents])


def _canonical_data(data: list[Any]) -> str:
    return json.dumps(data, sort_keys=True)
