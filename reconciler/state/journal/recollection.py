"""All that a journal remembers, read row by row: a bad row costs itself, and nothing else.

An app whose record is bad counts as one without memory (``Recall.LOST``), which is another thing
than a new one: nothing runs again only because it is not known that it ran.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.notice import Notice
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import Revision
from reconciler.state.journal import outbox, records
from reconciler.state.journal.database import is_damage, rows
from reconciler.state.journal.records import RecordError, Unknown


@dataclass(slots=True)
class Recollection:
    """What is in a journal, as far as it can be read."""

    memories: dict[str, AppMemory] = field(default_factory=dict)
    unknown: dict[str, Unknown] = field(default_factory=dict)
    """By app: what a newer release has written of it."""
    sources: dict[str, str | None] = field(default_factory=dict)
    """By app: the file that declared it last."""
    processes: dict[ProcessId, tuple[Tag, float | None]] = field(default_factory=dict)
    """Of this boot: the tag, and when the stop began."""
    settings: dict[str, str] = field(default_factory=dict)
    outbox: dict[str, Notice] = field(default_factory=dict)
    """Notifications that are not sent yet, by id, oldest first."""
    last_event: int = 0
    faults: list[Event] = field(default_factory=list)
    """The rows that were dropped, to be told."""
    damage: sqlite3.Error | None = None
    """Why some of it cannot be read."""
    is_complete: bool = True
    """All apps that were in it are here."""


def read(db: sqlite3.Connection, boot_id: str) -> Recollection:
    """Read what is there. sqlite3.Error where it is not damage that hinders it."""
    found = Recollection()
    _Reader(db, found, boot_id).read()
    return found


class _Reader:
    def __init__(self, db: sqlite3.Connection, found: Recollection, boot_id: str) -> None:
        self._db = db
        self._found = found
        self._boot_id = boot_id

    def read(self) -> None:
        found = self._found
        revisions, doubtful = self._revisions()
        later = {row["name"]: row["data"] for row in self._each("later")}
        for row in self._each("app"):
            name = row["name"]
            if not isinstance(name, str) or not name:
                self._drop("", f"an app's row has the name {name!r}")
                continue
            found.sources[name] = _path(row["source"])
            found.memories[name] = self._memory(name, row["memory"], later.get(name))
        for name in [*revisions]:
            if name not in found.memories:
                found.memories[name] = AppMemory(recall=Recall.LOST)
                found.sources[name] = None
        for name, memory in found.memories.items():
            known = tuple(revisions.get(name, ()))
            if name in doubtful:
                memory = replace(memory, recall=Recall.LOST)  # noqa: PLW2901  the same, marked
            found.memories[name] = records.with_failures(replace(memory, revisions=known))
        self._processes()
        for row in self._each("setting"):
            if isinstance(row["name"], str) and isinstance(row["value"], str):
                found.settings[row["name"]] = row["value"]
        root = found.settings.get("root")
        if root is not None and not re.fullmatch(r"\d+:\d+", root):
            self._drop("", "the setting root is bad: which directory was accepted is not known")
        self._outbox()
        for row in self._each("event", "ORDER BY id DESC LIMIT 1"):
            if isinstance(row["id"], int):
                found.last_event = row["id"]
            else:  # the table is no longer what it was made as: the next one would have no number
                found.damage = sqlite3.DatabaseError(f"an event has the number {row['id']!r}")

    def _revisions(self) -> tuple[dict[str, list[Revision]], set[str]]:
        """Those that are good, by app; and the apps whose last one is unknown."""
        revisions: dict[str, list[Revision]] = {}
        doubtful: set[str] = set()
        for row in self._each("revision", "ORDER BY app, number"):
            name, number, hash = row["app"], row["number"], row["hash"]
            if not isinstance(name, str):
                self._drop("", f"a revision's row has the app {name!r}")
                continue
            of_app = revisions.setdefault(name, [])
            try:
                of_app.append(records.load_revision(row))
                doubtful.discard(name)
            except RecordError as error:
                self._drop(name, f"the record of revision {number} of {name} is bad: {error}")
                if isinstance(number, int) and isinstance(hash, str):
                    of_app.append(Revision(number, hash, {}))  # that it was, if not what it was
                else:
                    doubtful.add(name)
        for name, of_app in revisions.items():
            kept = [one for one in of_app[:-1] if one.spec] + of_app[-1:]
            revisions[name] = [] if name in doubtful else kept
        return revisions, doubtful

    def _memory(self, name: str, text: object, later: object) -> AppMemory:
        try:
            memory, unknown = records.load(text, later)
        except RecordError as error:
            message = f"what was remembered of {name} is bad and was dropped: {error}"
            self._drop(name, message)
            return AppMemory(recall=Recall.LOST)
        if unknown is not None:
            self._found.unknown[name] = unknown
        return memory if memory.boot_id == self._boot_id else over_a_boot(memory)

    def _processes(self) -> None:
        for row in self._each("process", "WHERE boot_id = ?", self._boot_id):
            tag = Tag.parse(row["tag"]) if isinstance(row["tag"], str) else None
            at = row["stopping_at"]
            if tag is None or not isinstance(row["pid"], int) or not isinstance(row["start"], int):
                self._drop("", f"the record of the process {row['pid']!r} is bad")
                continue
            stopping_at = float(at) if isinstance(at, int | float) else None
            self._found.processes[ProcessId(row["pid"], row["start"])] = (tag, stopping_at)

    def _outbox(self) -> None:
        for row in self._each("outbox", "ORDER BY at, rowid"):
            try:
                notice = outbox.load(row)
            except RecordError as error:
                self._drop("", f"a notification that waited is bad and is not sent: {error}")
                continue
            self._found.outbox[notice.id] = notice

    def _each(self, table: str, rest: str = "", *values: Any) -> Iterator[Any]:
        """The rows that can be read."""
        try:
            yield from rows(self._db, table, rest, *values)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._found.damage = error
            self._found.is_complete &= table not in ("app", "revision")

    def _drop(self, app: str, message: str) -> None:
        self._found.faults.append(Event(app, EventReason.JOURNAL_ROW_DROPPED, message, "Warning"))


def over_a_boot(memory: AppMemory) -> AppMemory:
    """What outlives a boot: its seconds mean nothing now."""
    return AppMemory(
        given_up=memory.given_up,
        awaiting=memory.awaiting,
        restarts=memory.restarts,
        paused=memory.paused,
        canary=memory.canary,
        runs=tuple(replace(run, retry_at=None, began_boot=None) for run in memory.runs),
        last_run=memory.last_run,
        called_revision=memory.called_revision,
        scheduled=memory.scheduled,
        scheduled_until=memory.scheduled_until,
        held_back=memory.held_back,
        recall=memory.recall,
        admitted=memory.admitted,
        confirmed=memory.confirmed,
        withheld=memory.withheld,
    )


def _path(value: object) -> str | None:
    """A path that is not UTF-8 is stored as its bytes."""
    if isinstance(value, bytes):
        return os.fsdecode(value)
    return value if isinstance(value, str) else None
