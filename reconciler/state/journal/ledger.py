"""All that the journal remembers, in memory, and what of it waits to be written.

A change is noted here at once; the file follows a moment later (``journal``).
"""

from __future__ import annotations

import time

from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.notice import Notice
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.model.state.revision import Revision
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import UsageHistory
from reconciler.model.words.record import replace
from reconciler.state.journal import outbox, records
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.merge import merged
from reconciler.state.journal.pending import Pending, stored
from reconciler.state.journal.recollection import Recollection

_USAGE_KEPT = 7 * 86_400.0
"""Seconds: of a process that ended unseen. What runs writes its own again every few minutes."""
_FORMAT = "format"
"""The setting that says which release's documents are in it (``records.VERSION``)."""


class Ledger:
    """Revisions, backoff memory, processes, settings and events of the boot ``boot_id``."""

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id
        self._known = Recollection()
        # Apps whose memory waits: a thousand ends of one app are one to write.
        self._unsaved: dict[str, None] = {}
        self._pending = Pending()

    # -- what it remembers ---------------------------------------------------------------------

    def memories(self) -> dict[str, AppMemory]:
        """What is remembered of every app. Boot seconds of an earlier boot mean nothing now."""
        return dict(self._known.memories)

    def sources(self) -> dict[str, str | None]:
        """The file that declared each app last."""
        return dict(self._known.sources)

    def processes(self) -> dict[ProcessId, tuple[Tag, float | None]]:
        """Tag, and when its stop began, of each process recorded in this boot."""
        return dict(self._known.processes)

    def outbox(self) -> dict[str, Notice]:
        """Notifications that are not sent yet, by id, oldest first."""
        return dict(self._known.outbox)

    def setting(self, name: str) -> str | None:
        return self._known.settings.get(name)

    # -- what it is told -----------------------------------------------------------------------

    def set_setting(self, name: str, value: str) -> None:
        self._known.settings[name] = value
        self._pending.put("setting", (name,), name, value)

    def remember(self, name: str, memory: AppMemory, source: str | None) -> AppMemory:
        """Write an app's memory; returns it as it will be read back (revisions dated)."""
        memory = replace(memory, boot_id=self._boot_id, revisions=_dated(memory.revisions))
        before = self._known.memories.get(name, AppMemory())
        if before.revisions != memory.revisions:
            self._put_revisions(name, before.revisions, memory.revisions)
        self._known.memories[name] = memory
        self._known.sources[name] = source
        self._unsaved[name] = None
        return memory

    def forget(self, name: str) -> None:
        """The app was removed and nothing of it runs: a new one of that name starts fresh."""
        for known in (self._known.memories, self._known.sources, self._known.unknown):
            known.pop(name, None)
        self._unsaved.pop(name, None)
        for table, column in (("revision", "app"), ("app", "name"), ("later", "name")):
            self._pending.say((table, name), f"DELETE FROM {table} WHERE {column} = ?", name)

    def started(self, id: ProcessId, tag: Tag) -> None:
        self._put_process(id, tag, None)

    def stopping(self, id: ProcessId, at: float) -> None:
        known = self._known.processes.get(id)
        if known is not None:
            self._put_process(id, known[0], at)

    def ended(self, id: ProcessId) -> None:
        self._known.processes.pop(id, None)
        statement = "DELETE FROM process WHERE boot_id = ? AND pid = ? AND start = ?"
        self._pending.say(("process", *id), statement, self._boot_id, *id)

    def save_usage(self, nonce: str, history: UsageHistory, trend: Trend) -> None:
        row = (nonce, time.time(), history.pack(), records.dump_trend(trend))
        self._pending.put("usage", (nonce,), *row)

    def forget_usage(self, nonce: str) -> None:
        self._pending.say(("usage", nonce), "DELETE FROM usage WHERE nonce = ?", nonce)

    def post(self, notice: Notice) -> None:
        """A notification is to be sent: it waits until ``withdraw``."""
        self._known.outbox[notice.id] = notice
        self._pending.put("outbox", (notice.id,), *outbox.row_of(notice))

    def withdraw(self, id: str) -> None:
        """A notification was sent, or is given up."""
        if self._known.outbox.pop(id, None) is not None:
            self._pending.say(("outbox", id), "DELETE FROM outbox WHERE id = ?", id)

    def record(self, event: Event) -> RecordedEvent:
        """Write an event; it is numbered and dated now."""
        self._known.last_event += 1
        recorded = RecordedEvent(self._known.last_event, time.time(), event)
        self._pending.record(recorded)
        return recorded

    def amend(self, recorded: RecordedEvent) -> None:
        """Write the details of an event again, of which more is known now."""
        self._pending.amend(recorded)

    # -- what waits to be written --------------------------------------------------------------

    @property
    def lost(self) -> int:
        """Events that were given up before they could be written."""
        return self._pending.lost

    @property
    def dirty(self) -> bool:
        """Something waits for ``commit``."""
        return bool(self._unsaved) or not self._pending.is_empty

    def _recall(self, found: Recollection) -> None:
        """Remember what was read, and what has happened while it could not be."""
        since, self._known = self._known, found
        self._unsaved.clear()
        found.last_event += self._pending.renumber(found.last_event)
        for id, (tag, at) in since.processes.items():
            self._put_process(id, tag, at)
        for name, value in since.settings.items():
            if name not in found.settings:
                self.set_setting(name, value)
        for notice in since.outbox.values():
            self.post(notice)
        for name, memory in since.memories.items():
            both = merged(found.memories.get(name), memory)
            self.remember(name, both, since.sources.get(name))
        self._unsaved |= dict.fromkeys(one.app for one in found.faults if one.app in found.memories)

    def _write_all(self) -> None:
        """Have all that is remembered written, to a file that may be another."""
        known = self._known
        for name, memory in known.memories.items():
            self._put_revisions(name, (), memory.revisions)
            self._unsaved[name] = None
        for id, (tag, at) in [*known.processes.items()]:
            self._put_process(id, tag, at)
        for name, value in [*known.settings.items()]:
            self.set_setting(name, value)
        for notice in [*known.outbox.values()]:
            self.post(notice)

    def _tidy(self) -> None:
        self._pending.say(("process",), "DELETE FROM process WHERE boot_id <> ?", self._boot_id)
        self._pending.say(("usage",), "DELETE FROM usage WHERE at < ?", time.time() - _USAGE_KEPT)
        if self.setting(_FORMAT) is None:
            self.set_setting(_FORMAT, str(records.VERSION))

    def _put_process(self, id: ProcessId, tag: Tag, at: float | None) -> None:
        self._known.processes[id] = (tag, at)
        self._pending.put("process", tuple(id), self._boot_id, *id, str(tag), at)

    def _put_revisions(
        self, name: str, before: tuple[Revision, ...], after: tuple[Revision, ...]
    ) -> None:
        for gone in {r.number for r in before} - {r.number for r in after}:
            statement = "DELETE FROM revision WHERE app = ? AND number = ?"
            self._pending.say(("revision", name, gone), statement, name, gone)
        for one in after:
            if one not in before:
                spec, marks = records.dump_revision(one)
                row = (one.hash, spec, marks, one.created_at, one.good, one.failed)
                self._pending.put("revision", (name, one.number), name, one.number, *row)

    def _dump_unsaved(self, dropped: list[str]) -> None:
        for name in self._unsaved:
            known = self._known
            try:
                first, later = records.dump(known.memories[name], known.unknown.get(name))
            except (TypeError, ValueError, RecursionError) as error:
                dropped.append(f"the memory of {name}: {error}")
                continue
            self._pending.put("app", (name,), name, stored(known.sources.get(name)), first)
            if later is not None:
                self._pending.put("later", (name,), name, later)
        self._unsaved.clear()


def _dated(revisions: tuple[Revision, ...]) -> tuple[Revision, ...]:
    return tuple(r if r.created_at else replace(r, created_at=time.time()) for r in revisions)
