"""Edit one field of a manifest and nothing else in the file, byte for byte.

Guarantee: comments, line ends, quoting, blanks and other documents stay as they are. The new
text is spliced in where the parser says that the value stands; then the whole is parsed again
and compared: unless exactly that one value differs, nothing is returned but an ``EditError``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.desired.text import yaml
from reconciler.desired.text.locate import declarations
from reconciler.desired.text.splice import cut, put
from reconciler.desired.text.yaml import Document, Fault, Path


class EditError(Exception):
    """The edit cannot be made without touching more than the field: a sentence."""


def set_field(text: bytes, app: str, path: Path, value: Any) -> bytes:
    """``text`` with the field at ``path`` of ``app`` set to ``value``, which is JSON data.

    ``path`` is from the document's top, e.g. ``("spec", "instances")``; a number is the place in
    a list. A value is replaced, a missing key added; one value does not take the place of a map
    or a list. EditError where that cannot be done, or ``text`` is not a manifest.
    """
    return _edited(
        text,
        app,
        lambda data: _with(data, path, value),
        lambda source, document: put(source, document, path, value),
        f"{_dotted(path)} of {app} cannot be set without touching more; edit it by hand",
    )


def remove_field(text: bytes, app: str, path: Path) -> bytes:
    """``text`` without the key at ``path`` of ``app``, and what it holds; as it was where there
    is none. EditError as in ``set_field``."""
    return _edited(
        text,
        app,
        lambda data: _less(data, path),
        lambda source, document: cut(source, document, path),
        f"{_dotted(path)} of {app} cannot be removed without touching more; edit it by hand",
    )


def _edited(
    text: bytes,
    app: str,
    change: Callable[[Any], Any],
    attempts: Callable[[str, Document], Iterator[str]],
    refusal: str,
) -> bytes:
    """The first attempt that reads as the changed data does; ``change`` makes a changed copy."""
    bom = codecs.BOM_UTF8 if text.startswith(codecs.BOM_UTF8) else b""
    try:
        source = yaml.decode(text)
        documents = yaml.parse(source)
    except Fault as fault:
        raise EditError(f"line {fault.line}: {fault}; fix the file first") from None
    document = _only(documents, app)
    # All documents as they must read after the edit, canonically.
    wanted = _canonical([change(d.data) if d is document else d.data for d in documents])
    if wanted == _canonical([d.data for d in documents]):
        return text
    for edited in attempts(source, document):
        if _reads_as(edited, wanted):
            return bom + edited.encode()
    raise EditError(refusal)


def _only(documents: list[Document], app: str) -> Document:
    found = list(declarations(documents, app))
    if len(found) != 1:
        fault = "does not declare" if not found else "declares more than once:"
        raise EditError(f"the file {fault} {app}")
    return found[0]


def _with(data: Any, path: Path, value: Any) -> Any:
    """A copy in which only ``path`` differs (what an alias shares is not followed)."""
    if not path:
        if isinstance(data, dict | list) and not isinstance(value, dict | list):
            raise EditError("the field is a map or a list, not one value; edit it by hand")
        return value
    step = path[0]
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return [*data[:step], _with(data[step], path[1:], value), *data[step + 1 :]]
    if data is None or not isinstance(data, dict):
        raise EditError(f"there is no map for {step} to stand in; edit it by hand")
    below = data.get(str(step), {} if path[1:] else None)
    return {**data, str(step): _with(below, path[1:], value)}


def _less(data: Any, path: Path) -> Any:
    """A copy without the key at ``path``; ``data`` where it has none."""
    if not isinstance(data, dict) or path[0] not in data:
        return data
    key = str(path[0])
    if path[1:]:
        return {**data, key: _less(data[key], path[1:])}
    return {name: value for name, value in data.items() if name != key}


def _reads_as(source: str, wanted: str) -> bool:
    try:
        return _canonical([document.data for document in yaml.parse(source)]) == wanted
    except Fault:
        return False


def _canonical(data: list[Any]) -> str:
    return json.dumps(data, sort_keys=True)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
