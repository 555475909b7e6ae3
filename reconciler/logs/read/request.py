"""What is asked of the logs of one app, and what is answered: between a controller and its worker.

No more is imported here than the controller needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciler.model.host.fifo import STREAMS, Stream

PAST = "reconciler.logs.read.past:look"
BEGIN = "reconciler.logs.read.coming:begin"
COMING = "reconciler.logs.read.coming:look"
PRINTS = "log fingerprints"
"""The name by which a task finds the ``Fingerprints`` of secrets."""


PATTERN = r"^-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,2}_[0-9a-f]{1,8}_[0-9a-f]{1,15}_[0-9a-f]{1,15}$"
"""Of the position of a line: times within 10^29 seconds of 1970."""


class Position(NamedTuple):
    """The place of one line among all lines of an app."""

    key: float
    """The time to sort by, wall seconds."""
    log: int
    """A number of the log's path."""
    inode: int
    offset: int

    def __str__(self) -> str:
        return f"{self.key.hex()}_{self.log:x}_{self.inode:x}_{self.offset:x}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """ValueError where the text is no position."""
        if re.fullmatch(PATTERN, text) is None:
            raise ValueError("the position of a line is one that an answer had")
        key, *numbers = text.split("_")
        log, inode, offset = (int(number, 16) for number in numbers)
        return cls(float.fromhex(key), log, inode, offset)


class Place(NamedTuple):
    """How far a log was read."""

    inode: int
    offset: int
    at: float
    """When that file was looked at last, or when it was rotated: wall seconds."""


Cursor = dict[str, Place]
"""By the path of a log, how far it was read."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are wanted."""

    state_dir: Path
    app: str
    instance: int | None = None
    streams: tuple[Stream, ...] = STREAMS
    since: float | None = None
    until: float | None = None
    """Both in wall seconds, and included."""
    search: str = ""
    """Text that a line holds, in whatever case."""

    def matches(self, text: str) -> bool:
        """Whether a line holds what is searched for."""
        return not self.search or self.search.casefold() in text.casefold()


class Line(NamedTuple):
    """One line of output."""

    app: str
    instance: int | None
    stream: Stream
    time: float | None
    text: str
    position: str
    is_suspect: bool
    """It may hold a secret."""


@dataclass(frozen=True, slots=True)
class PastOrder:
    """A task: the last lines before a place."""

    query: LogQuery
    most: int
    before: Position | None = None
    ends: Cursor | None = None
    """How far each log is the past; None: to its end."""


class Page(NamedTuple):
    """Lines that were counted, and are to be read when they are sent."""

    before: Position
    """They are those before this one."""
    lines: int


@dataclass(frozen=True, slots=True)
class Past:
    """The newest line first."""

    lines: tuple[Line, ...]
    """As many as fit into one answer."""
    pages: tuple[Page, ...]
    """Those before them, the newest first."""
    before: Position | None
    """Where to go on; None where nothing was looked at."""
    is_complete: bool
    """There are no more lines, or there are as many as were wanted."""
    is_known: bool
    """The app has a log."""


@dataclass(frozen=True, slots=True)
class ComingOrder:
    """A task: the lines that were written since."""

    query: LogQuery
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class BeginOrder:
    """A task: where lines begin that are to come, or that follow one."""

    query: LogQuery
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Coming:
    """The oldest line first."""

    lines: tuple[Line, ...]
    cursor: Cursor
    is_complete: bool
    """All that was written was read."""
    lost: int = 0
    """Logs of which some lines are gone: rotated away before they were read."""
