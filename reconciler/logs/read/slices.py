"""Bounds on what a task reads at a time, so that tasks take turns and answers stay small."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path

from reconciler.logs.read.files import LogLine
from reconciler.logs.read.fingerprints import Fingerprints
from reconciler.logs.read.request import Line, LogQuery, Page, Position
from reconciler.logs.read.search import Found

_SECONDS = 0.5
_LINES = 2000
_CHARACTERS = 2**15
LONGEST = 2**16
"""Characters of a line that are shown."""
_NICE = 10
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

    @property
    def is_late(self) -> bool:
        """Whether others should have their turn; looked at now and then."""
        self._looked += 1
        return self._looked % _LOOK == 0 and time.monotonic() > self._until

    def take(self, found: Found, path: Path) -> bool:
        """Take a line if it is wanted; whether another may be looked at."""
        line = found.line
        if line is not None and self.is_wanted(line):
            text = _cut(line.text)
            position = str(position_of(found, path))
            is_suspect = self._prints.may_be_in(text)
            self.lines.append(
                Line(line.app, line.instance, line.stream, line.time, text, position, is_suspect)
            )
            self._characters += len(text)
        return not (self.is_full or self.is_late)

    def is_wanted(self, line: LogLine) -> bool:
        """Whether a line is what the query asks for."""
        query, when = self._query, line.time
        if query.instance is not None and line.instance not in (query.instance, None):
            return False
        if when is not None:
            if query.since is not None and when < query.since:
                return False
            if query.until is not None and when > query.until:
                return False
        return query.matches(line.text)


class Counted:
    """Counts lines that do not fit into a slice, by pages that each would."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self._characters = 0
        self.count = 0

    def add(self, line: LogLine, before: Position) -> None:
        """Count a line. ``before``: the position of the one looked at before it."""
        if not self.pages or self._characters >= _CHARACTERS or self.pages[-1].lines >= _LINES:
            self.pages.append(Page(before, 0))
            self._characters = 0
        self.pages[-1] = self.pages[-1]._replace(lines=self.pages[-1].lines + 1)
        self._characters += min(len(line.text), LONGEST)
        self.count += 1


def give_way() -> None:
    """Have this process, which reads for people, run behind what apps and the controller do."""
    if os.getpriority(os.PRIO_PROCESS, 0) < _NICE:
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text) - LONGEST} characters more)"


def position_of(found: Found, path: Path) -> Position:
    """The position of a line of the log at this path."""
    return Position(found.key, number_of(path), found.inode, found.offset)


def number_of(path: Path) -> int:
    """A number that stands for a log."""
    return zlib.crc32(str(path).encode(errors="surrogateescape"))
