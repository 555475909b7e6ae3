"""Events as the journal has them: numbered and dated, with their details in a table beside them.

The details lie apart since release 0.1.0, which may be run again, knows the table of events only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from reconciler.model.state.event import Actor, EndDetails, Event, Severity
from reconciler.state.event_filter import EventFilter
from reconciler.state.journal import database, records
from reconciler.state.journal.records import RecordError

T = TypeVar("T", EndDetails, Actor)


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its number (ascending) and wall time."""

    id: int
    at: float
    event: Event

    @property
    def position(self) -> str:
        """Where a reader is who has read up to here. The time tells whether a journal that was
        started again, or lost its last moment, gave the number to another event."""
        return f"{self.id}-{round(self.at * 1000)}"


PUT = database.put("event")
PUT_DETAIL = database.put("detail")
_HAS_DETAILS = "SELECT 1 FROM sqlite_master WHERE name = 'detail'"


def row_of(one: RecordedEvent) -> tuple[Any, ...]:
    event = one.event
    return (one.id, one.at, event.app, event.instance, event.type, event.reason, event.message)


def detail_of(one: RecordedEvent) -> tuple[Any, ...] | None:
    """The row of the details; None where there are none."""
    end, by = one.event.end, one.event.by
    if end is None and by is None:
        return None
    return (one.id, *(json.dumps(asdict(part)) if part is not None else None for part in (end, by)))


def newest(
    db: sqlite3.Connection, wanted: EventFilter, limit: int, after: int = 0
) -> Iterator[RecordedEvent]:
    """The newest events that are wanted, newest first."""
    where, values = _condition(db, wanted, after)
    yield from _read(db, f"{where} ORDER BY id DESC LIMIT ?", *values, limit)


def following(
    db: sqlite3.Connection, wanted: EventFilter, after: int, limit: int
) -> Iterator[RecordedEvent]:
    """The first events after a number that are wanted, oldest first."""
    where, values = _condition(db, wanted, after)
    yield from _read(db, f"{where} ORDER BY id LIMIT ?", *values, limit)


def beginning(db: sqlite3.Connection, wanted: EventFilter, limit: int) -> int:
    """The number after which the newest ``limit`` events that are wanted come; 0: they are all."""
    where, values = _condition(db, wanted, 0)
    rest = f"{where} ORDER BY id DESC LIMIT 1 OFFSET ?"
    row = db.execute(f"SELECT id FROM event {rest}", (*values, limit)).fetchone()
    return int(row[0]) if row else 0


def at(db: sqlite3.Connection, where: str, *values: Any) -> tuple[int, float] | None:
    """Number and time of the first row that meets a condition."""
    row = db.execute(f"SELECT id, at FROM event {where} LIMIT 1", values).fetchone()
    return (int(row[0]), records.moment(row[1])) if row else None


def count(db: sqlite3.Connection, where: str, *values: Any) -> int:
    """The number of rows that meet a condition."""
    (found,) = db.execute(f"SELECT count(*) FROM event {where}", values).fetchone()
    return int(found)


def _condition(
    db: sqlite3.Connection, wanted: EventFilter, after: int
) -> tuple[str, tuple[Any, ...]]:
    """The filter as SQL. A journal that an earlier release wrote has no table of details."""
    parts, values = ["id > ?"], list[Any]([after])
    for column, texts in (("app", wanted.apps), ("reason", wanted.reasons)):
        if texts:
            parts.append(f"{column} IN ({','.join('?' * len(texts))})")
            values += texts
    for condition, value in (("type = ?", wanted.type), ("at >= ?", wanted.since)):
        if value is not None:
            parts.append(condition)
            values.append(value)
    columns = [name for name, on in (("asked", wanted.audit), ("ended", wanted.ended)) if on]
    if columns and not db.execute(_HAS_DETAILS).fetchone():
        parts.append("0")
        columns = []
    parts += [f"id IN (SELECT id FROM detail WHERE {name} IS NOT NULL)" for name in columns]
    return f"WHERE {' AND '.join(parts)}", tuple(values)


def _read(db: sqlite3.Connection, rest: str, *values: Any) -> Iterator[RecordedEvent]:
    rows = [*database.rows(db, "event", rest, *values)]
    ids = [row["id"] for row in rows]
    details: dict[int, Any] = {}
    if ids:
        between = database.rows(db, "detail", "WHERE id BETWEEN ? AND ?", min(ids), max(ids))
        details = {row["id"]: row for row in between}
    for row in rows:
        try:
            found = RecordedEvent(row["id"], records.moment(row["at"]), _event(row, details))
        except RecordError:
            continue
        yield found


def _event(row: Any, details: Mapping[int, Any]) -> Event:
    texts = {name: row[name] if isinstance(row[name], str) else "" for name in _TEXTS}
    instance = row["instance"] if isinstance(row["instance"], int) else None
    kind: Severity = "Warning" if row["type"] == "Warning" else "Normal"
    more = details.get(row["id"])
    end: EndDetails | None = _detail(_ends(), more["ended"]) if more is not None else None
    by: Actor | None = _detail(_actors(), more["asked"]) if more is not None else None
    return Event(**texts, type=kind, instance=instance, end=end, by=by)


def _detail(adapter: TypeAdapter[T], text: object) -> T | None:
    """A detail as it was written; None where it is damaged. Keys of a later release are ignored."""
    if not isinstance(text, str):
        return None
    try:
        return adapter.validate_json(text)
    except (ValidationError, RecursionError):
        return None


@cache
def _ends() -> TypeAdapter[EndDetails]:
    return TypeAdapter(EndDetails)


@cache
def _actors() -> TypeAdapter[Actor]:
    return TypeAdapter(Actor)


_TEXTS = ("app", "reason", "message")
