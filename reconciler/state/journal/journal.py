"""The journal: revisions, backoff memory, processes and events, in SQLite.

It makes history survive the controller; it is never the truth about what runs (the tags are).
Writes are gathered and committed together a moment later: a crash loses at most that moment of
history, a full disk only delays it, and a statement that cannot be executed hinders no other.

All that it remembers but events is in memory, too. So a file that was removed, or turns out to be
damaged, is written again; one that cannot be read or written now is tried again (``look_after``).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from reconciler.model.state.event import Event
from reconciler.model.state.memory import JournalHealth, JournalState, Recall
from reconciler.model.state.reason import EventReason
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import UsageHistory
from reconciler.state.event_filter import EventFilter
from reconciler.state.journal import database, events, records
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.health import Health
from reconciler.state.journal.ledger import Ledger
from reconciler.state.journal.recollection import Recollection, read
from reconciler.state.journal.records import RecordError
from reconciler.state.resume import Resumed, parse, resumed

T = TypeVar("T")

_SALVAGED = 1000
"""Of the newest events, where a journal is written again."""


class Journal(Ledger):
    """A ledger in a file: ``Journal(path, boot_id)`` writes, ``Journal.open_readonly`` looks."""

    def __init__(self, path: Path, boot_id: str) -> None:
        """Never fails: ``state`` says what the journal is good for now."""
        self._blank(path, boot_id)
        self._open()

    @classmethod
    def open_readonly(cls, path: Path, boot_id: str) -> Journal | None:
        """The journal for looking only; None where there is none.

        It says the same as the controller would that started now.
        """
        if not os.path.lexists(path):
            return None
        journal = cls.__new__(cls)
        journal._blank(path, boot_id)
        journal._look_only()
        return journal

    def _blank(self, path: Path, boot_id: str) -> None:
        super().__init__(boot_id)
        self._path = path
        self._health = Health(path)
        self._db: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._stack = ExitStack()
        self._identity: tuple[int, int] | None = None
        self._is_read = False

    # -- what is read from the file ------------------------------------------------------------

    def events(self, apps: tuple[str, ...] = (), limit: int = 100) -> list[RecordedEvent]:
        """The newest ``limit`` events (of these apps), oldest first."""
        return self.newest_events(EventFilter(apps), limit)

    def newest_events(self, wanted: EventFilter, limit: int, after: int = 0) -> list[RecordedEvent]:
        """The newest ``limit`` events that are wanted, oldest first."""
        written: list[RecordedEvent] = []
        written = self._read(lambda db: [*events.newest(db, wanted, limit, after)], written)
        return [*written[::-1], *self._waiting(wanted, after)][-limit:] if limit > 0 else []

    def events_after(self, wanted: EventFilter, after: int, limit: int) -> list[RecordedEvent]:
        """The first ``limit`` events after a number that are wanted, oldest first."""
        written: list[RecordedEvent] = []
        written = self._read(lambda db: [*events.following(db, wanted, after, limit)], written)
        return [*written, *self._waiting(wanted, after)][:limit]

    def before_newest(self, wanted: EventFilter, limit: int) -> int:
        """The number after which the newest ``limit`` wanted events come."""
        waiting = [one.id for one in self._waiting(wanted, 0)]
        if len(waiting) > limit:
            return waiting[-limit - 1]
        return self._read(lambda db: events.beginning(db, wanted, limit - len(waiting)), 0)

    def resume(self, position: str, apps: tuple[str, ...]) -> Resumed:
        """Where to go on for a reader that has read up to ``position``. ValueError."""
        id, at = parse(position)
        if any(one.position == position.strip() for one in self._pending.events):
            return Resumed(id)
        return self._read(lambda db: resumed(db, id, at, apps), Resumed(id))

    def _waiting(self, wanted: EventFilter, after: int) -> list[RecordedEvent]:
        """Those that are wanted, and not written yet."""
        pending = (one for one in self._pending.events if one.id > after)
        return [one for one in pending if wanted.matches(one.event, one.at)]

    def _read(self, read: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """What is read of the events; ``nothing`` where that cannot be."""
        try:
            with self._reading() as db:
                return read(db)
        except (sqlite3.Error, OSError) as error:
            if database.is_damage(error) and self._identity is not None:
                self._begin_anew(_Cause.DAMAGED, str(error))
            return nothing

    def usage(self, nonce: str) -> tuple[UsageHistory, Trend] | None:
        """What an instance has used, as last written; None where nothing is known."""
        db = self._db or self._reader
        if db is None:
            return None
        try:
            for row in database.rows(db, "usage", "WHERE nonce = ?", nonce):
                history = UsageHistory.unpack(row["history"])
                return (history, records.load_trend(row["trend"])) if history else None
        except (sqlite3.Error, RecordError, TypeError):
            pass
        return None

    @property
    def state(self) -> JournalState:
        """What it is good for now."""
        return self._health.state

    def take_news(self) -> list[Event]:
        """What happened to the journal itself since this was last asked."""
        return self._health.take_news()

    def losses_noted(self) -> None:
        """Every app of which the memory was lost is marked so: those to come are new."""
        self._health.losses_noted()

    # -- the file ------------------------------------------------------------------------------

    def commit(self) -> str | None:
        """Write what was gathered; on failure it is kept for the next time, and told."""
        if self._db is None:
            self._pending.bound()
            return self.state.text
        if not self.dirty and self.state.writable:
            return None
        dropped: list[str] = []
        self._dump_unsaved(dropped)
        try:
            self._pending.write(self._db, dropped)
        except sqlite3.Error as error:
            if database.is_damage(error):
                return self._begin_anew(_Cause.DAMAGED, str(error))
            self._pending.bound()
            self._health.fail(JournalHealth.UNWRITABLE, error)
            return self.state.text
        if not self.state.writable:
            self._health.well()
        for fault in dropped:
            message = f"the journal cannot hold one of its records, which is left out: {fault}"
            self._health.news.append(Event("", EventReason.JOURNAL_ROW_DROPPED, message, "Warning"))
        return None

    def look_after(self) -> bool:
        """Try again what failed, and see that the file is still there.

        Returns whether more is remembered now than before.
        """
        if self._db is None:
            was_read = self._is_read
            self._open()
            return self._is_read and not was_read
        found = database.identity(self._path)
        if found != self._identity:
            self._begin_anew(_Cause.REMOVED if found is None else _Cause.REPLACED)
        return False

    def close(self) -> None:
        if self._reader is None:
            self.commit()
        self._stack.close()
        self._close()

    def _open(self) -> None:
        try:
            db = database.open_to_write(self._path)
        except (sqlite3.Error, OSError) as error:
            if database.is_damage(error):
                self._replace_damaged(error)
                return
            if os.path.lexists(self._path):
                self._look()
            else:  # there is nothing to remember
                self._is_read = True
            self._health.unusable(error, is_read=self._is_read)
            return
        try:
            found = self._known if self._is_read else read(db, self._boot_id)
        except sqlite3.Error as error:
            db.close()
            self._health.unusable(error, is_read=self._is_read)
            return
        if found.damage is not None:
            db.close()
            self._replace_damaged(found.damage)
            return
        self._use(db)
        self._take(found)
        self._tidy()
        self._health.well()

    def _look(self) -> None:
        """Read it, since it cannot be written."""
        if self._is_read:
            return
        with suppress(sqlite3.Error, OSError), database.open_to_read(self._path) as (db, _):
            found = read(db, self._boot_id)
            if found.damage is None:
                self._take(found)

    def _look_only(self) -> None:
        """Read it, and say what a controller would say of it."""
        try:
            db, writable = self._stack.enter_context(database.open_to_read(self._path))
            found = read(db, self._boot_id)
        except (sqlite3.Error, OSError) as error:
            if database.is_damage(error):
                self._health.lose(error)
            else:
                self._health.fail(JournalHealth.UNREADABLE, error, Recall.UNREAD)
            return
        self._reader = db
        self._take(found)
        if found.damage is not None:
            self._health.lose(found.damage, complete=found.is_complete)
        elif not writable:
            self._health.fail(
                JournalHealth.UNWRITABLE, sqlite3.OperationalError("there is no room")
            )
        else:
            self._health.well()

    def _take(self, found: Recollection) -> None:
        """Remember what was read, and what has happened while it could not be."""
        if self._is_read:
            self._write_all()
            return
        self._is_read = True
        self._health.news += found.faults
        self._recall(found)

    def _replace_damaged(self, error: BaseException) -> None:
        """Set the damaged journal aside, and go on with what can be read of it."""
        if not self._is_read:
            found = Recollection(is_complete=False)
            with suppress(sqlite3.Error, OSError), database.open_to_read(self._path) as (db, _):
                found = read(db, self._boot_id)
            self._take(found)
            if not found.is_complete:
                self._health.lose(error)
        self._begin_anew(_Cause.DAMAGED, str(error))

    def _begin_anew(self, cause: _Cause, detail: str = "") -> str | None:
        """Write a new file from memory; what is in the place of the old one is set aside."""
        salvaged = self._salvaged()
        self._close()
        aside: Path | None = None
        try:
            if os.path.lexists(self._path):
                word = database.DAMAGED if cause is _Cause.DAMAGED else "replaced"
                aside = database.set_aside(self._path, word)
            self._use(database.open_to_write(self._path))
        except (sqlite3.Error, OSError) as error:
            self._health.fail(JournalHealth.UNWRITABLE, error)
            return self.state.text
        self._write_all()
        self._pending.salvage(salvaged)
        why = f"{cause.value} ({detail})" if detail else cause.value
        message = f"the journal {self._path} {why}: recon wrote it again from memory"
        if aside is not None:
            message += f"; the file that was there is {aside}"
        reason = (
            EventReason.JOURNAL_SET_ASIDE
            if cause is _Cause.DAMAGED
            else EventReason.JOURNAL_RENEWED
        )
        self._health.news.append(Event("", reason, message, "Warning"))
        trouble = self.commit()
        if trouble is None:
            self._health.well()
        return trouble

    def _salvaged(self) -> list[RecordedEvent]:
        """The newest events of the file that is given up, as far as they can be read."""
        found: list[RecordedEvent] = []
        with suppress(sqlite3.Error, OSError), self._reading() as db:
            for one in events.newest(db, EventFilter(), _SALVAGED):
                found.append(one)
        return found[::-1]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        db = self._db or self._reader
        if db is not None:
            yield db
            return
        with database.open_to_read(self._path) as (db, _):
            yield db

    def _use(self, db: sqlite3.Connection) -> None:
        self._db, self._identity = db, database.identity(self._path)

    def _close(self) -> None:
        db, self._db, self._identity = self._db, None, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()


class _Cause(StrEnum):
    """Why a journal is written again, to follow its name."""

    DAMAGED = "is damaged"
    REMOVED = "was removed"
    REPLACED = "was replaced by another file"
