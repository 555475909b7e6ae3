"""Which columns fit, and how wide each is: the more important ones first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Column(NamedTuple):
    key: str
    title: str
    width: int
    right: bool = False


GRAPH = 7
_GAP = 1
_LEAST_NAME, _MOST_NAME = 12, 40
_MARK = 2
"""Before the name: the sign of an app that is open or closed."""
_LEAST_MESSAGE = 20

NAME = Column("name", "APP", _LEAST_NAME)
COLUMNS = (
    Column("sync", "SYNC", 9),
    Column("health", "HEALTH", 11),
    Column("ready", "READY", 5, right=True),
    Column("cpu", "CPU", 6, right=True),
    Column("cpu-graph", "", GRAPH),
    Column("memory", "MEMORY", 8, right=True),
    Column("memory-graph", "", GRAPH),
    Column("restarts", "RST", 3, right=True),
    Column("age", "AGE", 6, right=True),
    Column("revision", "REV", 3, right=True),
    Column("drift", "DRIFT", 10),
    Column("message", "MESSAGE", _LEAST_MESSAGE),
)
"""From left to right, behind the name."""
_IMPORTANT = (
    *("health", "ready", "cpu", "memory", "sync", "restarts", "cpu-graph", "memory-graph"),
    *("message", "age", "drift", "revision"),
)


def layout(width: int, names: Iterable[str] = ()) -> list[Column]:
    """The columns of a table that is ``width`` wide. The name takes what it needs first, then the
    message what is left."""
    longest = max(map(len, names), default=0)
    name = min(max(_LEAST_NAME, longest), _MOST_NAME) + _MARK
    known = {column.key: column for column in COLUMNS}
    least = min(name, _LEAST_NAME + _MARK)
    free = width - least
    chosen = set()
    for key in _IMPORTANT:
        needed = known[key].width + _GAP
        if needed > free:
            break
        chosen.add(key)
        free -= needed
    wider = min(free, name - least)
    message = free - wider
    return [
        NAME._replace(width=max(1, min(width, least + wider))),
        *_widened(chosen, message),
    ]


def _widened(chosen: set[str], more: int) -> Iterator[Column]:
    for column in COLUMNS:
        if column.key in chosen:
            wider = more if column.key == "message" else 0
            yield column._replace(width=column.width + wider)


def at(columns: Iterable[Column], x: int) -> str:
    """The key of the column at this place; empty right of all."""
    start = 0
    for column in columns:
        start += column.width + _GAP
        if x < start:
            return column.key
    return ""
