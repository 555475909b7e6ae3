"""What is remembered: of each app in memory, and all of it in the journal a moment later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.memory import AppMemory, Ended, JournalState, Recall
from reconciler.model.state.notice import Notice
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import UsageHistory
from reconciler.state.event_filter import EventFilter
from reconciler.state.flood import Flood
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.journal import Journal
from reconciler.state.resume import Resumed

# Journal writes are gathered for this long (seconds), and retried as rarely when the disk is full.
_COMMIT = 0.05
_COMMIT_AGAIN = 5.0
_COMPLETE = 1.0
"""Seconds that a reader waits for the details of an event."""


class History:
    """Memories by app, and the timeline.

    ``source_of`` tells the file that declares an app; ``redact`` masks secrets in a sentence.
    ``on_writable`` is called when the journal can be written (again) that could not.
    """

    def __init__(
        self,
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
        source_of: Callable[[str], str | None],
        redact: Callable[[str], str] = str,
        on_writable: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_writable = on_writable
        self._flood = Flood()
        self._journal = journal
        self._loop = loop
        self._source_of = source_of
        self._redact = redact
        self._memories = journal.memories()
        self._listeners: set[Callable[[RecordedEvent], None]] = set()
        self._incomplete: dict[int, asyncio.Future[RecordedEvent]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._owed: deque[Callable[[], None]] = deque()
        self._settling = False
        self.recorded: dict[tuple[str, str], int] = {}
        """Events since the start, by reason and type."""

    @property
    def memories(self) -> Mapping[str, AppMemory]:
        return self._memories

    def memory(self, name: str) -> AppMemory:
        """What is remembered of an app; nothing, where nothing is."""
        known = self._memories.get(name)
        return _nothing(self.journal.unremembered) if known is None else known

    @property
    def journal(self) -> JournalState:
        """How the journal is."""
        return self._journal.state

    def look_after(self) -> bool:
        """Try again what failed of the journal; whether more is remembered now than before."""
        before = self.journal
        for summary in [*self._flood.due(self._loop.time())]:
            self._publish(summary)
        more = self._journal.look_after()
        if more:
            self._memories = self._journal.memories()
        self._after(before)
        return more

    def remember(self, name: str, memory: AppMemory) -> None:
        """Replace what is remembered of an app."""
        memory = self._redacted(memory)
        self._memories[name] = self._journal.remember(name, memory, self._source_of(name))
        self._commit_soon()

    def forget(self, name: str) -> None:
        """The app was removed, and nothing of it runs."""
        self._memories.pop(name, None)
        self._journal.forget(name)
        self._commit_soon()

    def owe(self, record: Callable[[], None]) -> None:
        """``record`` what has happened, once what follows from it has been done.

        It keeps its place: it is called before the next event is recorded or any is read, and at
        the latest after what is due in the loop now. So a program is back before the end of the
        one before it is told, and the timeline has them in order.
        """
        if not self._owed:  # twice: after a worker that is woken in this turn of the loop
            self._loop.call_soon(self._loop.call_soon, self._settle)
        self._owed.append(record)

    def _settle(self) -> None:
        """Record what is owed; what that records itself is the next, not the last."""
        if self._settling:
            return
        self._settling = True
        while self._owed:
            try:
                self._owed.popleft()()
            except Exception as error:  # the caller records something else
                context = {"message": "what has happened was not recorded", "exception": error}
                self._loop.call_exception_handler(context)
        self._settling = False

    def record(self, event: Event) -> None:
        """Put an event into the timeline, and tell those who listen."""
        self.admit(event)

    def admit(self, event: Event) -> RecordedEvent | None:
        """The same; None where its kind comes too often to be recorded each time."""
        self._settle()
        recorded = None
        for admitted in self._flood.admit(event, self._loop.time()):
            recorded = self._publish(admitted)
        return recorded

    def _publish(self, event: Event) -> RecordedEvent:
        kind = event.reason, event.type
        self.recorded[kind] = self.recorded.get(kind, 0) + 1
        message = self._redact(event.message)
        recorded = self._journal.record(
            event if message == event.message else replace(event, message=message)
        )
        self._commit_soon()
        for listener in tuple(self._listeners):
            listener(recorded)
        return recorded

    def complete(self, recorded: RecordedEvent, end: EndDetails | None) -> None:
        """More is known of how a process ended (None: nothing is): those who wait go on."""
        if end is not None:
            holder = self._redact(end.holder)
            event = replace(recorded.event, end=replace(end, holder=holder))
            recorded = replace(recorded, event=event)
            self._journal.amend(recorded)
            self._commit_soon()
        waiting = self._incomplete.pop(recorded.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(recorded)

    def begin_completing(self, recorded: RecordedEvent) -> None:
        """``complete`` will be called of this event: those who read it now may wait for that."""
        self._incomplete[recorded.id] = self._loop.create_future()

    async def completed(self, recorded: RecordedEvent) -> RecordedEvent:
        """The event with all that is known of it, as soon as that is known."""
        waiting = self._incomplete.get(recorded.id)
        if waiting is None:
            return recorded
        done, _ = await asyncio.wait({waiting}, timeout=_COMPLETE)
        return waiting.result() if done else recorded

    @property
    def left_out(self) -> int:
        """Events that were not told one by one, since there were too many of their kind."""
        return self._flood.left_out

    @property
    def lost(self) -> int:
        """Events that were told, and are not in the journal nor will be."""
        return self._journal.lost

    def setting(self, name: str) -> str | None:
        """A text that is remembered under this name."""
        return self._journal.setting(name)

    def set_setting(self, name: str, text: str) -> None:
        """Remember a text."""
        self._journal.set_setting(name, text)
        self._commit_soon()

    def outbox(self) -> dict[str, Notice]:
        """Notifications that are not sent yet, by id, oldest first."""
        return self._journal.outbox()

    def post(self, notice: Notice) -> None:
        """A notification is to be sent."""
        self._journal.post(notice)
        self._commit_soon()

    def withdraw(self, id: str) -> None:
        """A notification was sent, or is given up."""
        self._journal.withdraw(id)
        self._commit_soon()

    def usage(self, nonce: str) -> tuple[UsageHistory, Trend] | None:
        """What an instance has used, as last written."""
        return self._journal.usage(nonce)

    def save_usage(self, nonce: str, history: UsageHistory, trend: Trend) -> None:
        """Write down what an instance has used."""
        self._journal.save_usage(nonce, history, trend)
        self._commit_soon()

    def forget_usage(self, nonce: str) -> None:
        """The instance has ended."""
        self._journal.forget_usage(nonce)
        self._commit_soon()

    def events(self, apps: tuple[str, ...] = (), limit: int = 100) -> list[RecordedEvent]:
        """The newest events (of these apps), oldest first."""
        self._commit_now()
        return self._journal.events(apps, limit)

    def ends(self, app: str, limit: int) -> list[RecordedEvent]:
        """The newest ends of an app's processes, oldest first."""
        self._commit_now()
        return self._journal.newest_events(EventFilter((app,), ended=True), limit)

    def events_after(self, wanted: EventFilter, after: int, limit: int) -> list[RecordedEvent]:
        """The first events after a number that are wanted, oldest first."""
        self._commit_now()
        return self._journal.events_after(wanted, after, limit)

    def before_newest(self, wanted: EventFilter, limit: int) -> int:
        """The number after which the newest ``limit`` wanted events come."""
        self._commit_now()
        return self._journal.before_newest(wanted, limit)

    def resume(self, position: str, apps: tuple[str, ...]) -> Resumed:
        """Where to go on for a reader that has read up to ``position``. ValueError."""
        self._commit_now()
        return self._journal.resume(position, apps)

    def listen(self, listener: Callable[[RecordedEvent], None]) -> Callable[[], None]:
        """Hear of every event to come; the returned call ends it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _commit_now(self) -> None:
        """For who reads the journal's file."""
        self._settle()
        self._journal.commit()

    def flush(self) -> bool:
        """Write now what is not written yet; whether it was. What was not is tried again later."""
        self._settle()
        before = self.journal
        message = self._journal.commit()
        if message is not None:
            self._commit_soon(_COMMIT_AGAIN)
        self._after(before)
        return message is None

    def close(self) -> None:
        """Write what is not written yet."""
        self._settle()
        if self._timer is not None:
            self._timer.cancel()
        self._journal.close()

    def _redacted(self, memory: AppMemory) -> AppMemory:
        """Why starts and revisions failed are sentences, too."""
        ended, left = self._redacted_ends(memory.ended), self._redacted_ends(memory.left)
        revisions = tuple(
            replace(one, failed=self._redact(one.failed)) if one.failed else one
            for one in memory.revisions
        )
        if (ended, left, revisions) == (memory.ended, memory.left, memory.revisions):
            return memory
        return replace(memory, ended=ended, left=left, revisions=revisions)

    def _redacted_ends(self, ends: Mapping[int, Ended]) -> Mapping[int, Ended]:
        redacted = {
            number: replace(end, fault=self._redact(end.fault), remedy=self._redact(end.remedy))
            for number, end in ends.items()
            if end.fault
        }
        return {**ends, **redacted}

    def _commit_soon(self, wait: float = _COMMIT) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(wait, self._commit)

    def _commit(self) -> None:
        self._timer = None
        self.flush()

    def _after(self, before: JournalState) -> None:
        """Tell what happened to the journal itself."""
        for event in self._journal.take_news():
            self.record(event)
        if self.journal.writable and not before.writable:
            self._on_writable()


@cache
def _nothing(recall: Recall) -> AppMemory:
    return AppMemory(recall=recall)
