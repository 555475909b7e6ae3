"""Events as the journal has them: numbered and dated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.model.state.event import Event
from reconciler.state import database, records
from reconciler.state.records import RecordError


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its number (ascending) and wall time."""

    id: int
    at: float
    event: Event


PUT = database.put("event")


def row_of(one: RecordedEvent) -> tuple[Any, ...]:
    event = one.event
    return (one.id, one.at, event.app, event.instance, event.type, event.reason, event.message)


def newest(db: sqlite3.Connection, apps: tuple[str, ...], limit: int) -> Iterator[RecordedEvent]:
    """The newest events (of these apps), newest first."""
    where = f"WHERE app IN ({','.join('?' * len(apps))})" if apps else ""
    for row in database.rows(db, "event", f"{where} ORDER BY id DESC LIMIT ?", *apps, limit):
        try:
            yield RecordedEvent(row["id"], records.moment(row["at"]), _event(row))
        except RecordError:
            continue


def _event(row: Any) -> Event:
    texts = {name: row[name] if isinstance(row[name], str) else "" for name in _TEXTS}
    instance = row["instance"] if isinstance(row["instance"], int) else None
    kind: Literal["Normal", "Warning"] = "Warning" if row["type"] == "Warning" else "Normal"
    return Event(**texts, type=kind, instance=instance)


_TEXTS = ("app", "reason", "message")
