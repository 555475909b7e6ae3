"""Bounds on what a task reads at a time, so that tasks take turns and answers stay small."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

from reconciler.logs.read.fingerprints import Fingerprints
from reconciler.logs.read.request import Line, LogQuery, Position
from reconciler.logs.read.search import Found
from reconciler.model.host.fifo import Stream

_SECONDS = 0.5
_LINES = 2000
_CHARACTERS = 2**16
LONGEST = 2**16
"""Characters of a line that are shown."""
_LOOK = 64
"""Lines between two looks at the clock."""


class Slice:
    """Collects lines until there are enough for one answer."""

    def __init__(self, query: LogQuery, prints: Fingerprints, most: int = _LINES) -> None:
        self._query = query
        self._prints = prints
        self._most = min(most, _LINES)
        self._until = time.monotonic() + _SECONDS
        self._looked = self._characters = 0
        self.lines: list[Line] = []

    @property
    def is_full(self) -> bool:
        """Whether there are as many lines as were wanted, or as fit."""
        return len(self.lines) >= self._most or self._characters >= _CHARACTERS

    def take(self, found: Found, path: Path) -> bool:
        """Take a line if it is wanted; whether another may be looked at."""
        line = found.line
        if line is not None and self._is_wanted(line.instance, line.time, line.text):
            text = line.text
            if len(text) > LONGEST:
                text = f"{text[:LONGEST]}… ({len(text) - LONGEST} characters more)"
            position = str(position_of(found, path))
            stream: Stream = line.stream
            is_suspect = self._prints.may_be_in(text)
            self.lines.append(
                Line(line.app, line.instance, stream, line.time, text, position, is_suspect)
            )
            self._characters += len(text)
        self._looked += 1
        is_late = self._looked % _LOOK == 0 and time.monotonic() > self._until
        return not (self.is_full or is_late)

    def _is_wanted(self, instance: int | None, when: float | None, text: str) -> bool:
        query = self._query
        if query.instance is not None and instance not in (query.instance, None):
            return False
        if when is not None:
            if query.since is not None and when < query.since:
                return False
            if query.until is not None and when > query.until:
                return False
        return query.matches(text)


def position_of(found: Found, path: Path) -> Position:
    """The position of a line of the log at this path."""
    return Position(found.key, number_of(path), found.inode, found.offset)


def number_of(path: Path) -> int:
    """A number that stands for a log."""
    return zlib.crc32(str(path).encode(errors="surrogateescape"))
