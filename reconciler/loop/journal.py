"""The journal: revisions, backoff memory, processes and events, in SQLite.

It makes history survive the controller; it is never the truth about what runs (the tags are).
A journal that cannot be read is put aside and a new one begun. Writes are gathered and committed
together a moment later: a crash loses at most that moment of history, a full disk only delays it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.model.event import Event
from reconciler.model.memory import AppMemory, Ended, Eviction, Outcome, Run
from reconciler.model.observed import Exit, ProcessId, Tag
from reconciler.model.revision import Revision
from reconciler.model.trend import Leak, Trend
from reconciler.model.usage import UsageHistory

_SCHEMA = """
CREATE TABLE IF NOT EXISTS app (name TEXT PRIMARY KEY, source TEXT, memory TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revision (
    app TEXT, number INTEGER, hash TEXT, spec TEXT, marks TEXT, created_at REAL,
    good INTEGER, failed TEXT, PRIMARY KEY (app, number));
CREATE TABLE IF NOT EXISTS process (
    boot_id TEXT, pid INTEGER, start INTEGER, tag TEXT, stopping_at REAL,
    PRIMARY KEY (boot_id, pid, start));
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, at REAL, app TEXT, instance INTEGER, type TEXT, reason TEXT,
    message TEXT);
CREATE INDEX IF NOT EXISTS event_app ON event (app, id);
CREATE TABLE IF NOT EXISTS usage (
    nonce TEXT PRIMARY KEY, at REAL, history BLOB NOT NULL, trend TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT);
"""
_VERSION = 1
_EVENTS_KEPT = 20_000
_PENDING_KEPT = 50_000
_USAGE_KEPT = 7 * 86_400.0
"""Seconds: of a process that ended unseen. What runs writes its own anew each few minutes."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its number (ascending) and wall time."""

    id: int
    at: float
    event: Event


class Journal:
    """Open with ``Journal(path, boot_id)`` to write, ``Journal.open_readonly`` to look."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._boot_id = boot_id
        self._path = path
        self.put_aside: Path | None = None
        """Where an unreadable journal was moved, if one was."""
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError:
            self.put_aside = _put_aside(path)
            self._db = _open(path)
        self._written: dict[str, AppMemory] = {}
        # Apps (and their files) whose memory waits: a thousand ends of one app are one to write.
        self._unsaved: dict[str, str | None] = {}
        self._pending: list[tuple[str, tuple[Any, ...]]] = []
        self._last_event = self._db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
        self._write("DELETE FROM process WHERE boot_id <> ?", boot_id)
        self._write("DELETE FROM usage WHERE at < ?", time.time() - _USAGE_KEPT)

    @classmethod
    def open_readonly(cls, path: Path, boot_id: str) -> Journal | None:
        """The journal for looking only; None where there is none or it cannot be read."""
        journal = cls.__new__(cls)
        journal._boot_id, journal._path, journal.put_aside = boot_id, path, None
        journal._written, journal._unsaved = {}, {}
        journal._pending, journal._last_event = [], 0
        try:
            journal._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
            version = journal._db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError:
            return None
        return journal if version == _VERSION else None

    def memories(self) -> dict[str, AppMemory]:
        """What is remembered of every app. Boot seconds of an earlier boot mean nothing now."""
        revisions: dict[str, list[Revision]] = {}
        for row in self._db.execute("SELECT * FROM revision ORDER BY app, number"):
            revisions.setdefault(row[0], []).append(_revision(row))
        found: dict[str, AppMemory] = {}
        for name, text in self._db.execute("SELECT name, memory FROM app"):
            memory = _memory(json.loads(text), tuple(revisions.get(name, ())))
            if memory.boot_id != self._boot_id:
                memory = AppMemory(
                    memory.revisions,
                    restarts=memory.restarts,
                    paused=memory.paused,
                    canary=memory.canary,
                    runs=tuple(replace(r, retry_at=None, began_boot=None) for r in memory.runs),
                    last_run=memory.last_run,
                    called_revision=memory.called_revision,
                    scheduled=memory.scheduled,
                    scheduled_until=memory.scheduled_until,
                    held_back=memory.held_back,
                )
            found[name] = memory
        self._written = dict(found)
        return found

    def sources(self) -> dict[str, str | None]:
        """The file that declared each app last."""
        return dict(self._db.execute("SELECT name, source FROM app"))

    def processes(self) -> dict[ProcessId, tuple[Tag, float | None]]:
        """Tag, and when its stop began, of each process recorded in this boot."""
        rows = self._db.execute(
            "SELECT pid, start, tag, stopping_at FROM process WHERE boot_id = ?", (self._boot_id,)
        )
        found = {}
        for pid, start, text, stopping_at in rows:
            tag = Tag.parse(text)
            if tag is not None:
                found[ProcessId(pid, start)] = (tag, stopping_at)
        return found

    def events(self, apps: tuple[str, ...] = (), limit: int = 100) -> list[RecordedEvent]:
        """The newest ``limit`` events (of these apps), oldest first."""
        where = f"WHERE app IN ({','.join('?' * len(apps))})" if apps else ""
        query = f"SELECT * FROM event {where} ORDER BY id DESC LIMIT ?"
        rows = self._db.execute(query, (*apps, limit)).fetchall()
        return [
            RecordedEvent(row[0], row[1], Event(row[2], row[5], row[6], row[4], row[3]))
            for row in reversed(rows)
        ]

    def setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str) -> None:
        self._write("INSERT OR REPLACE INTO setting VALUES (?, ?)", name, value)

    def remember(self, name: str, memory: AppMemory, source: str | None) -> AppMemory:
        """Write an app's memory; returns it as it will be read back (revisions dated)."""
        memory = replace(memory, boot_id=self._boot_id, revisions=_dated(memory.revisions))
        before = self._written.get(name, AppMemory())
        if before.revisions != memory.revisions:
            self._write_revisions(name, before.revisions, memory.revisions)
        self._written[name] = memory
        self._unsaved[name] = source
        return memory

    def forget(self, name: str) -> None:
        """The app was removed and nothing of it runs: a new one of that name starts fresh."""
        self._written.pop(name, None)
        self._unsaved.pop(name, None)
        self._write("DELETE FROM app WHERE name = ?", name)
        self._write("DELETE FROM revision WHERE app = ?", name)

    def started(self, id: ProcessId, tag: Tag) -> None:
        row = (self._boot_id, id.pid, id.start, str(tag))
        self._write("INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, NULL)", *row)

    def stopping(self, id: ProcessId, at: float) -> None:
        row = (at, self._boot_id, id.pid, id.start)
        self._write(
            "UPDATE process SET stopping_at = ? WHERE boot_id = ? AND pid = ? AND start = ?", *row
        )

    def ended(self, id: ProcessId) -> None:
        row = (self._boot_id, id.pid, id.start)
        self._write("DELETE FROM process WHERE boot_id = ? AND pid = ? AND start = ?", *row)

    def usage(self, nonce: str) -> tuple[UsageHistory, Trend] | None:
        """What an instance has used, as last written; None where nothing is known."""
        try:
            query = "SELECT history, trend FROM usage WHERE nonce = ?"
            row = self._db.execute(query, (nonce,)).fetchone()
        except sqlite3.OperationalError:  # looked at only, and of an earlier release
            return None
        history = UsageHistory.unpack(row[0]) if row else None
        return (history, _trend(json.loads(row[1]))) if history is not None else None

    def save_usage(self, nonce: str, history: UsageHistory, trend: Trend) -> None:
        row = (nonce, time.time(), history.pack(), json.dumps(asdict(trend)))
        self._write("INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?)", *row)

    def forget_usage(self, nonce: str) -> None:
        self._write("DELETE FROM usage WHERE nonce = ?", nonce)

    def record(self, event: Event) -> RecordedEvent:
        """Write an event; it is numbered and dated now."""
        self._last_event += 1
        recorded = RecordedEvent(self._last_event, time.time(), event)
        self._write(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(recorded.id, recorded.at, event.app, event.instance),
            *(event.type, event.reason, event.message),
        )
        if recorded.id % 1000 == 0:
            self._write("DELETE FROM event WHERE id <= ?", recorded.id - _EVENTS_KEPT)
        return recorded

    @property
    def dirty(self) -> bool:
        """Something waits for ``commit``."""
        return bool(self._pending or self._unsaved)

    def commit(self) -> str | None:
        """Write what was gathered; on failure it is kept for the next time, and told."""
        for name, source in self._unsaved.items():
            row = (name, source, _dump(self._written[name]))
            self._write("INSERT OR REPLACE INTO app VALUES (?, ?, ?)", *row)
        self._unsaved.clear()
        try:
            with self._db:
                for statement, values in self._pending:
                    self._db.execute(statement, values)
        except sqlite3.Error as error:
            # Events are the bulk; better the newest of them than memory without bound.
            del self._pending[:-_PENDING_KEPT]
            return f"the journal cannot be written: {error}"
        self._pending.clear()
        return None

    def close(self) -> None:
        self.commit()
        self._db.close()

    def _write(self, statement: str, *values: Any) -> None:
        self._pending.append((statement, values))

    def _write_revisions(
        self, name: str, before: tuple[Revision, ...], after: tuple[Revision, ...]
    ) -> None:
        for gone in {r.number for r in before} - {r.number for r in after}:
            self._write("DELETE FROM revision WHERE app = ? AND number = ?", name, gone)
        for revision in after:
            if revision not in before:
                row = (name, *_row(revision))
                self._write("INSERT OR REPLACE INTO revision VALUES (?,?,?,?,?,?,?,?)", *row)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=True)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA cache_size = -256")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"journal of version {version}")
    db.executescript(_SCHEMA)
    db.execute(f"PRAGMA user_version = {_VERSION}")
    db.commit()
    return db


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.unreadable-{int(time.time())}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside


def _dated(revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
    return tuple(r if r.created_at else replace(r, created_at=time.time()) for r in revisions)


def _row(revision: Revision) -> Iterator[Any]:
    yield from (revision.number, revision.hash)
    yield from (json.dumps(revision.spec), json.dumps(dict(revision.marks)))
    yield from (revision.created_at, revision.good, revision.failed)


def _revision(row: tuple[Any, ...]) -> Revision:
    _, number, hash, spec, marks, created_at, good, failed = row
    return Revision(
        number, hash, json.loads(spec), json.loads(marks), created_at, bool(good), failed
    )


def _dump(memory: AppMemory) -> str:
    data = asdict(replace(memory, revisions=()))
    del data["revisions"]
    return json.dumps(data)


def _trend(data: Mapping[str, Any]) -> Trend:
    return Trend(**{**data, "leak": Leak(**data["leak"]) if data["leak"] else None})


def _run(data: Mapping[str, Any]) -> Run:
    exit = Exit(**data["exit"]) if data["exit"] else None
    return Run(**{**data, "exit": exit, "outcome": Outcome(data["outcome"])})


def _ends(data: Mapping[str, Any]) -> dict[int, Ended]:
    return {int(n): Ended(**{**end, "exit": Exit(**end["exit"])}) for n, end in data.items()}


def _memory(data: Mapping[str, Any], revisions: tuple[Revision, ...]) -> AppMemory:
    ended, left = _ends(data["ended"]), _ends(data.get("left", {}))
    data = {**data, "limited": tuple(data.get("limited", ()))}
    data["runs"] = tuple(map(_run, data.get("runs", ())))
    restarts = {int(number): count for number, count in data["restarts"].items()}
    evictions = {int(n): Eviction(**one) for n, one in data.get("evictions", {}).items()}
    leaving = {int(n): hash for n, hash in data.get("leaving", {}).items()}
    by_number = {
        "ended": ended,
        "left": left,
        "leaving": leaving,
        "restarts": restarts,
        "evictions": evictions,
    }
    return AppMemory(**{**data, **by_number, "revisions": revisions})
