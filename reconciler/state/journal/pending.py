"""What waits to be written to the journal: rows, of each the last word, and events.

A statement that cannot be executed hinders no other: it is left out, and told.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reconciler.state.journal import database, events
from reconciler.state.journal.events import RecordedEvent

EVENTS_KEPT_OF_APP = 1000
"""At least so many of each app, and up to twice as many: none takes the room of another's."""
_EVENTS_KEPT = 200_000
_PENDING_KEPT = 20_000
_DETAILS_KEPT = 20_000
"""Events whose end is told in detail: at 2 KiB each, more than the events themselves take."""
_DETAILS_PENDING = 1000
_TRIM = """DELETE FROM event WHERE app = ? AND id <=
(SELECT id FROM event WHERE app = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""

_TRIM_DETAILS = """DELETE FROM detail WHERE id NOT IN (SELECT id FROM event)
OR (id <= ? AND asked IS NULL)"""

_Statement = tuple[str, tuple[Any, ...]]


class Pending:
    """Gathers statements until they are written together."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Any, ...], _Statement] = {}
        """By the row that it is about."""
        self.events: list[RecordedEvent] = []
        self.lost = 0
        """Events that were given up before they could be written."""
        self._count: dict[str, int] = {}
        """Events of each app since its oldest were removed last."""

    @property
    def is_empty(self) -> bool:
        return not (self._rows or self.events)

    def put(self, table: str, key: tuple[Any, ...], *row: Any) -> None:
        """Write a row; ``key`` tells it from others of its table."""
        self.say((table, *key), database.put(table), *row)

    def say(self, key: tuple[Any, ...], statement: str, *values: Any) -> None:
        """Execute a statement about the row ``key``, in the place of what was said of it before."""
        self._rows.pop(key, None)  # the last word comes last
        self._rows[key] = (statement, values)

    def record(self, recorded: RecordedEvent) -> None:
        """Write an event, and now and then remove the oldest of its app, and of all."""
        app = recorded.event.app
        self.events.append(recorded)
        self._count[app] = self._count.get(app, EVENTS_KEPT_OF_APP) + 1
        if recorded.id % 1000 == 0:
            limit = recorded.id - _EVENTS_KEPT
            self.say(("event",), "DELETE FROM event WHERE id <= ?", limit)
            self.say(("detail",), _TRIM_DETAILS, recorded.id - _DETAILS_KEPT)
        if self._count[app] > EVENTS_KEPT_OF_APP:
            self._count[app] = 0
            self.say(("event", app), _TRIM, app, app, EVENTS_KEPT_OF_APP - 1)

    def amend(self, recorded: RecordedEvent) -> None:
        """Write an event's details again, of which more is known now."""
        for at, one in enumerate(self.events):
            if one.id == recorded.id:
                self.events[at] = recorded
                return
        detail = events.detail_of(recorded)
        if detail is not None:
            self.put("detail", (recorded.id,), *detail)

    def renumber(self, last: int) -> int:
        """Forget the rows, and have the events follow one of this number; how many they are."""
        self._rows.clear()
        self.events = [replace(one, id=last + n) for n, one in enumerate(self.events, 1)]
        return len(self.events)

    def salvage(self, salvaged: list[RecordedEvent]) -> None:
        """Write these events of an earlier file, too."""
        waiting = {one.id for one in self.events}
        self.events[:0] = [one for one in salvaged if one.id not in waiting]

    def write(self, db: sqlite3.Connection, dropped: list[str]) -> None:
        """Write all in one transaction. sqlite3.Error: nothing was written, and all waits still.

        Why a statement was left out is put into ``dropped``.
        """
        try:
            for statement, values in self._rows.values():
                _execute(db, statement, values, dropped)
            for one in self.events:
                _execute(db, events.PUT, events.row_of(one), dropped)
                detail = events.detail_of(one)
                if detail is not None:
                    _execute(db, events.PUT_DETAIL, detail, dropped)
            db.commit()
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                db.rollback()
            raise
        self._rows.clear()
        self.events.clear()

    def bound(self) -> None:
        """While nothing can be written: keep the newest events, and no more of what is over."""
        self.lost += max(0, len(self.events) - _PENDING_KEPT)
        del self.events[:-_PENDING_KEPT]
        for at, one in enumerate(self.events[:-_DETAILS_PENDING]):
            if one.event.end is not None:
                self.events[at] = replace(one, event=replace(one.event, end=None))
        if len(self._rows) > _PENDING_KEPT:
            over = [key for key in self._rows if key[0] in ("process", "usage")]
            for key in over[: len(self._rows) - _PENDING_KEPT]:
                del self._rows[key]


def _execute(
    db: sqlite3.Connection, statement: str, values: tuple[Any, ...], dropped: list[str]
) -> None:
    """Execute one statement. What only this one is to blame for is put into ``dropped``."""
    try:
        try:
            db.execute(statement, values)
        except UnicodeEncodeError:
            db.execute(statement, tuple(map(_printable, values)))
    except Exception as error:
        if not database.is_of_statement(error):
            raise
        dropped.append(str(error))


def _printable(value: Any) -> Any:
    """Bytes that are not text, as of a file's name, as escapes."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value


def stored(path: str | None) -> str | bytes | None:
    """A path that is not UTF-8 is stored as its bytes, so that it is found again."""
    if path is None or path.isascii():
        return path
    encoded = os.fsencode(path)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded
