"""YAML text becomes documents in which every node knows its place.

Guarantees: YAML 1.2's scalars (``22:22``, ``yes`` and dates stay text); no key twice; caps on
size, depth and what aliases expand to; every fault is a ``Fault`` with a place, never a crash.
PyYAML's parser is asked for events only, from which the builder here makes plain data: its own
composer knows no caps, and with the C parser dies of a stack overflow on nested brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import yaml

from reconciler.desired.text.plain import PARSER, NotPlainError, documents
from reconciler.desired.text.scalar import TEXT_KEYS, scalar
from reconciler.model.words.sentence import Sentence

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 64
_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
MAX_NODES = 200_000
# JSON writes what lies beyond U+FFFF as two escapes, each of which YAML's parser refuses.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NEUTRAL = r"\\u0020"


class Mark(NamedTuple):
    """A place in the text: line and column from 1, byte-exact offsets in characters from 0."""

    line: int
    column: int
    start: int
    end: int


Path = tuple[str | int, ...]


class Fault(Exception):
    """Text that is not a manifest: a sentence and its place."""

    def __init__(self, message: str, line: int = 0, column: int = 0, remedy: str = "") -> None:
        super().__init__(str(Sentence(message, remedy)))
        self.message, self.line, self.column, self.remedy = message, line, column, remedy


Marks = Mapping[Path, Mark]


@dataclass(slots=True)
class Document:
    """One document: plain data, and where each node of it stands."""

    data: Any
    line: int
    has_escapes: bool
    """A text of it may hold what no text of a file can."""
    _marks: Marks | Callable[[], Marks]
    """Or what finds them: few documents are asked for a place."""

    @property
    def marks(self) -> Marks:
        """Place of each value by its path; of a mapping's key by path + ("<key>",)."""
        if callable(self._marks):
            self._marks = self._marks()
        return self._marks

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at ``path``, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return mark.line, mark.column
        return self.line, 1

    def key_place(self, path: Path) -> tuple[int, int]:
        """Line and column of the key at ``path``; of its value where there is no key."""
        mark = self.marks.get((*path, "<key>"))
        return (mark.line, mark.column) if mark is not None else self.place(path)


def parse(text: str) -> list[Document]:
    """All documents of ``text`` that hold anything. Raises Fault."""
    has_escapes = "\\" in text
    if len(text) > MAX_NODES or (has_escapes and _SURROGATE.search(text)):
        return parse_with_places(text)
    try:
        found = documents(text, MAX_DEPTH)
    except (NotPlainError, yaml.YAMLError):
        return parse_with_places(text)
    whole: list[Document] = []

    def marks(number: int) -> Marks:
        whole[:] = whole or parse_with_places(text)
        return whole[number].marks

    held = ((data, line) for data, line in found if data is not None)
    return [
        Document(data, line, has_escapes, partial(marks, number))
        for number, (data, line) in enumerate(held)
    ]


def parse_with_places(text: str) -> list[Document]:
    """The same by one way for all: with all places, and with a Fault where a mistake is."""
    neutral = None
    if _SURROGATE.search(text) and _is_json(text):
        neutral = _SURROGATE.sub(_NEUTRAL, text)
    try:
        return list(_Builder(text, neutral).documents())
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        message = error.problem or error.context or "not YAML"
        place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if "nesting depth" in message:  # PyYAML's parser has a cap of its own since 6.0.4
            raise Fault(_TOO_DEEP, *place) from None
        raise Fault(f"not YAML: {message}", *place) from None
    except yaml.YAMLError as error:
        raise Fault(f"not YAML: {str(error).splitlines()[0]}", 1, 1) from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def decode(content: bytes) -> str:
    """Bytes of a file as text; Fault where they are not UTF-8 or hold a NUL."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place_in(content, error.start)
        raise Fault("not UTF-8", line, column, remedy="save the file in that encoding") from None
    nul = text.find("\0")
    if nul >= 0:
        line, column = _place_in(text.encode(), len(text[:nul].encode()))
        raise Fault("a NUL byte", line, column, remedy="is this a text file?")
    return text


class _Builder:
    """Events to data, by recursive descent as deep as ``MAX_DEPTH``."""

    def __init__(self, text: str, parsed: str | None = None) -> None:
        """``parsed``: what the parser gets in the place of JSON ``text``, as long as that."""
        self._has_escapes = "\\" in text
        self._json = text if parsed is not None else None
        self._next: Callable[[], Any] = PARSER(text if parsed is None else parsed).get_event
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._marks: dict[Path, Mark] = {}

    def documents(self) -> Iterator[Document]:
        self._next()
        while not isinstance(self._next(), yaml.StreamEndEvent):
            self._anchors, self._marks = {}, {}
            event = self._next()
            line = event.start_mark.line + 1
            data = self._node(event, (), 0)
            self._next()
            if data is not None:
                yield Document(data, line, self._has_escapes, self._marks)

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        start, kind = event.start_mark, type(event)
        place = (start.line + 1, start.column + 1)
        if kind is yaml.AliasEvent:
            return self._alias(event, path, place)
        before = self._nodes
        self._count(1, place)
        if depth > MAX_DEPTH:
            raise Fault(_TOO_DEEP, *place)
        if event.tag is not None and event.tag != "!" and not _is_core(event.tag):
            # Neither is repeated: it may be a password that begins with `!` or `*`.
            raise Fault(
                "`!` begins a tag that is not known here", *place, remedy="put text in quotes"
            )
        end: Any
        if kind is yaml.ScalarEvent:
            data, end = self._scalar(event, path), event.end_mark
        elif kind is yaml.SequenceStartEvent:
            data, end = self._sequence(path, depth)
        else:
            data, end = self._mapping(path, depth)
        self._marks[path] = Mark(*place, start.index, end.index)
        if event.anchor:
            self._anchors[event.anchor] = (data, self._nodes - before)
        return data

    def _scalar(self, event: Any, path: Path) -> Any:
        if event.tag == "tag:yaml.org,2002:str" or not event.implicit[0]:
            return self._text(event)
        below = len(path) > 1 and path[-2] in TEXT_KEYS
        if below or (event.value and path and path[-1] in TEXT_KEYS):
            return event.value
        return scalar(event.value)

    def _text(self, event: Any) -> str:
        """The text of a quoted scalar."""
        if self._json is None:
            return str(event.value)
        return str(json.loads(self._json[event.start_mark.index : event.end_mark.index]))

    def _sequence(self, path: Path, depth: int) -> tuple[list[Any], Any]:
        items: list[Any] = []
        event: Any
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items, event.end_mark

    def _mapping(self, path: Path, depth: int) -> tuple[dict[str, Any], Any]:
        found: dict[str, Any] = {}
        event: Any
        while type(event := self._next()) is not yaml.MappingEndEvent:
            mark, end = event.start_mark, event.end_mark
            place = (mark.line + 1, mark.column + 1)
            if type(event) is not yaml.ScalarEvent:
                raise Fault("a key must be plain text", *place)
            key = self._text(event)
            if key in found:
                first = self._marks[(*path, key, "<key>")].line
                message = f"the key {key} occurs twice in one mapping, first in line {first}"
                remedy = "remove one, or begin a new document with ---"
                raise Fault(message, *place, remedy=remedy if not path else "remove one")
            self._marks[(*path, key, "<key>")] = Mark(*place, mark.index, end.index)
            found[key] = self._node(self._next(), (*path, key), depth + 1)
        return found, event.end_mark

    def _alias(self, event: Any, path: Path, place: tuple[int, int]) -> Any:
        if event.anchor not in self._anchors:
            message = (
                "`*` begins an alias of an anchor that is not defined before it; put text in quotes"
            )
            raise Fault(message, *place)
        data, nodes = self._anchors[event.anchor]
        self._count(nodes, place)
        self._marks[path] = Mark(*place, event.start_mark.index, event.end_mark.index)
        return data

    def _count(self, nodes: int, place: tuple[int, int]) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Fault(f"more than {MAX_NODES} values, aliases counted in full", *place)


def _is_core(tag: str) -> bool:
    return tag.removeprefix("tag:yaml.org,2002:") in {
        *("str", "int", "float", "bool", "null", "map", "seq"),
    }


def _place_in(content: bytes, offset: int) -> tuple[int, int]:
    before = content[:offset]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1
