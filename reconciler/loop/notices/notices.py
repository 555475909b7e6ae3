"""Notifications in the controller: from events to messages in the journal, and to the notifier.

Nothing here waits. Where no target is declared there is no listener, no timer and no process.

What was grouped, and up to which event, is one text in the journal, and is committed together with
the messages made of it. So a controller that is killed goes on from there: events that came after
are taken into account again, and a message that was committed is sent, once or, where the answer
was not noted any more, twice with the same id.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from reconciler.diff.notices.compose import Origin
from reconciler.diff.notices.grouping import Group
from reconciler.diff.notices.incidents import GroupState
from reconciler.loop.notices.around import Remembering, Surroundings
from reconciler.loop.notices.notifier import NotifierProcess
from reconciler.model.spec.notify import NotifyTarget, named
from reconciler.model.state.event import Event, Severity
from reconciler.model.state.notice import Notice
from reconciler.model.state.reason import OF_NOTIFICATIONS, EventReason
from reconciler.notify.message import for_test, message_document
from reconciler.notify.target import Target
from reconciler.state.event_filter import EventFilter
from reconciler.state.history import History
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.notices import SETTING, Remembered, TargetRecord

MOST_WAITING = 100
"""Messages of one target; of more the oldest are dropped, and the next one says how many."""
_SHARE = 30.0
"""Times as long as it took, a part of this rests."""
_BEFORE_ALL = "0"
"""The position before the first event."""
_SAVE = 0.05
"""Seconds from a change to its place in the journal."""
_EVENTS = 500
"""Events after which the position is saved, though none of them mattered."""
_REPLAYED = 2000
"""Events that are taken into account again after a kill."""
_GRACE = 30.0
"""Seconds beside a try's own within which the notifier has to report."""
_LOOK = 5.0
_TEST_GRACE = 10.0


class Notices:
    """The notifications of one controller. ``folder``: where the Settings stand."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        history: History,
        around: Surroundings,
        *,
        folder: str,
        store: str,
    ) -> None:
        self._loop, self._history, self._around = loop, history, around
        self._folder = folder
        self._origin = Origin(socket.gethostname(), store)
        self._targets: dict[str, NotifyTarget] = {}
        self._groups: dict[str, Group] = {}
        self._known = Remembered()
        self._sending: dict[str, tuple[str, float]] = {}
        """By target: the id that is under way, and when a word of it is due at the latest."""
        self._tests: dict[str, asyncio.Future[str]] = {}
        self._process = NotifierProcess(
            loop, on_line=self._reported, on_start=self._started, on_end=self._ended
        )
        self._process_fault = ""
        self._lacking = ""
        """What has to be installed, a sentence."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._end_listening: Callable[[], None] | None = None
        self._unsaved = 0
        """Events since the position was saved."""
        self._ticked_at = self._rest = self._save_rest = 0.0
        """When messages were looked for last; seconds that this and saving rest, by what they took:
        a thousand apps that crash at once have the loop for themselves."""

    # -- what is declared ----------------------------------------------------------------------

    def begin(self, targets: tuple[NotifyTarget, ...], *, is_known: bool = True) -> None:
        """Go on where the controller before ended. ``is_known``: this is what is declared."""
        self._known = Remembered.from_text(self._history.setting(SETTING))
        if is_known or targets:
            self.declare(targets)

    def declare(self, targets: tuple[NotifyTarget, ...]) -> None:
        """From now on these are the targets."""
        found = named(targets)
        if found == self._targets and self._end_listening is not None:
            return
        was_listening = self._end_listening is not None
        self._targets = found
        self._drop_strangers()
        if not found:
            self._stop()
            return
        for name, target in found.items():
            if name in self._groups:
                self._groups[name].declare(target)
                continue
            state = self._known.groups.setdefault(name, GroupState())
            self._groups[name] = Group(name, target, state, self._origin)
            self._known.records.setdefault(name, TargetRecord())
        if not was_listening:
            self._catch_up()
            self._end_listening = self._history.listen(self._listen)
        if self._process.is_running:
            self._process.send(self._declaration())
        self._process.ensure()
        self._save_soon()
        self._dispatch()
        self._later("tick", 0.0, self._tick)

    def close(self) -> None:
        """The controller ends: what waits is in the journal."""
        if self._end_listening is not None:
            self._end_listening()
            self._save()
        for timer in self._timers.values():
            timer.cancel()
        for test in self._tests.values():
            test.cancel()
        self._process.close()

    def _drop_strangers(self) -> None:
        """What waits for a target that is not declared any more is not sent."""
        lost: dict[str, int] = {}
        for notice in self._history.outbox().values():
            if notice.target not in self._targets:
                self._withdraw(notice.id)
                lost[notice.target] = lost.get(notice.target, 0) + 1
        for name, count in lost.items():
            message = f"{_messages(count)} to {name} will not be sent: it is not declared any more"
            self._event(EventReason.NOTIFICATIONS_DROPPED, message, "Normal")
        for name in {*self._known.groups, *self._known.records} - self._targets.keys():
            self._groups.pop(name, None)
            self._known.groups.pop(name, None)
            self._known.records.pop(name, None)

    def _stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._process.close()
        self._process_fault = self._lacking = ""
        if self._end_listening is not None:
            self._end_listening()
            self._end_listening = None
        if self._known.position:
            self._known = Remembered()
            self._history.set_setting(SETTING, "")

    # -- events --------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Take the events into account that came after the last ones that were."""
        newest = self._history.events(limit=1)
        if not self._known.position:
            self._known.position = newest[-1].position if newest else _BEFORE_ALL
            return
        with suppress(ValueError):
            after = self._history.resume(self._known.position, ()).after
            for one in self._history.events_after(EventFilter(), after, _REPLAYED):
                self._take(one)
        self._known.position = newest[-1].position if newest else self._known.position

    def _listen(self, recorded: RecordedEvent) -> None:
        if self._take(recorded):
            self._save_soon()
            self._later(
                "tick", max(0.0, self._ticked_at + self._rest - self._loop.time()), self._tick
            )
        elif self._unsaved >= _EVENTS:
            self._save_soon()

    def _take(self, recorded: RecordedEvent) -> bool:
        """Whether an event matters to any target."""
        self._known.position = recorded.position
        self._unsaved += 1
        event = recorded.event
        if event.reason in OF_NOTIFICATIONS:
            return False
        self._around.note(event)
        found = [one.add(event, recorded.at, self._around) for one in self._groups.values()]
        return any(found)

    def _tick(self) -> None:
        """Make the messages that are due."""
        began, now, around = self._loop.time(), time.time(), Remembering(self._around)
        made = []
        for name, group in self._groups.items():
            notice = group.tick(now, around)
            if notice is not None:
                self._make_room(name, group)
                self._history.post(notice)
                made.append(notice)
        if made:
            self._save()
            self._history.flush()  # before it is sent; where that cannot be, it is sent anyway
            self._dispatch()
        waits = [group.wait(time.time()) for group in self._groups.values()]
        wait = min((one for one in waits if one is not None), default=None)
        self._rest = _SHARE * (self._loop.time() - began)
        self._ticked_at = self._loop.time()
        if wait is not None:
            self._later("tick", max(0.02, wait, self._rest), self._tick)

    def _make_room(self, name: str, group: Group) -> None:
        waiting = [one for one in self._history.outbox().values() if one.target == name]
        under_way = self._sending.get(name, ("", 0.0))[0]
        over = [one for one in waiting if one.id != under_way][: len(waiting) - MOST_WAITING + 1]
        if len(waiting) < MOST_WAITING:
            return
        for one in over:
            self._withdraw(one.id)
        group.note_dropped(len(over))
        self._known.records[name].dropped += len(over)
        message = (
            f"{_messages(len(over))} to {name} will not be sent: {MOST_WAITING} wait already; "
            f"`recon notify` shows why"
        )
        self._event(EventReason.NOTIFICATIONS_DROPPED, message)

    # -- sending -------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Give the notifier the next message of each target that has none under way."""
        if not self._process.is_running:
            return
        for notice in self._history.outbox().values():
            name = notice.target
            if name in self._targets and name not in self._sending:
                self._expect(name, notice.id, 0.0)
                self._process.send({"do": "send", "message": self._message(notice)})

    def _expect(self, name: str, id: str, wait: float) -> None:
        due = self._loop.time() + wait + self._targets[name].timeout_seconds + _GRACE
        self._sending[name] = (id, due)
        if "look" not in self._timers:
            self._later("look", _LOOK, self._look_after)

    def _started(self) -> None:
        self._process_fault = ""
        self._sending.clear()
        self._process.send(self._declaration())
        self._dispatch()

    def _ended(self, why: str, wait: float) -> None:
        self._sending.clear()
        for test in self._tests.values():
            if not test.done():
                test.set_result("the process that sends has ended")
        self._process_fault = f"the process that sends notifications: {why}"
        message = f"{self._process_fault}; recon starts it again in {wait:g} s, nothing is lost"
        self._event(EventReason.NOTIFIER_FAILED, message)

    def _look_after(self) -> None:
        """Replace a notifier that does not report any more."""
        late = [id for id, due in self._sending.values() if self._loop.time() > due]
        if late:
            self._process.restart("it does not report any more")
        if self._sending:
            self._later("look", _LOOK, self._look_after)

    def _reported(self, line: dict[str, Any]) -> None:
        """A line of the notifier."""
        id, what, error = line["id"], line["what"], str(line.get("error", ""))
        if what == "lacking":
            self._lacking = error
            return
        if what == "tested":
            test = self._tests.get(id)
            if test is not None and not test.done():
                test.set_result(error)
            return
        notice = self._history.outbox().get(id)
        if notice is None or notice.target not in self._targets:
            return
        name = notice.target
        record, now = self._known.records[name], time.time()
        if what == "failed":
            record.next_at = now + float(line["next"])
            self._expect(name, id, float(line["next"]))
            self._note_failure(name, record, error, now)
        else:
            self._withdraw(id)
            if what == "sent":
                self._note_success(name, record, now)
            else:
                self._give_up(name, record, error, now)
            self._dispatch()
        self._save_soon()

    def _note_failure(self, name: str, record: TargetRecord, error: str, now: float) -> None:
        record.last_error, record.last_error_at = error, now
        if not record.is_failing:
            record.is_failing = True
            limit = _duration(self._targets[name].give_up_seconds)
            message = f"a message to {name} is not sent: {error}; recon tries for {limit}"
            self._event(EventReason.NOTIFICATION_FAILED, message)

    def _note_success(self, name: str, record: TargetRecord, now: float) -> None:
        record.sent, record.last_sent_at, record.next_at = record.sent + 1, now, None
        record.last_error = ""
        if record.is_failing:
            record.is_failing = False
            message = f"messages to {name} are sent again"
            self._event(EventReason.NOTIFICATION_RECOVERED, message, "Normal")

    def _give_up(self, name: str, record: TargetRecord, error: str, now: float) -> None:
        record.given_up, record.next_at = record.given_up + 1, None
        record.is_failing, record.last_error, record.last_error_at = True, error, now
        self._groups[name].note_dropped(1)
        limit = _duration(self._targets[name].give_up_seconds)
        message = f"a message to {name} is given up after {limit}: {error}"
        self._event(EventReason.NOTIFICATION_GIVEN_UP, message)

    def _withdraw(self, id: str) -> None:
        self._history.withdraw(id)
        for name, (under_way, _) in [*self._sending.items()]:
            if under_way == id:
                del self._sending[name]
                self._process.send({"do": "forget", "id": id})

    def _declaration(self) -> dict[str, Any]:
        found = [Target.of(name, one, self._folder) for name, one in self._targets.items()]
        return {"do": "declare", "targets": [target.to_document() for target in found]}

    def _message(self, notice: Notice) -> dict[str, Any]:
        return message_document(notice, self._origin.host)

    # -- requests ------------------------------------------------------------------------------

    @property
    def targets(self) -> Mapping[str, NotifyTarget]:
        """What is declared, by name, with its secrets."""
        return self._targets

    @property
    def records(self) -> Mapping[str, TargetRecord]:
        """How sending goes, by target."""
        return self._known.records

    @property
    def groups(self) -> Mapping[str, Group]:
        """What is grouped for each target."""
        return self._groups

    def waiting(self) -> Mapping[str, int]:
        """How many messages are not sent yet, by target."""
        return Counter(notice.target for notice in self._history.outbox().values())

    @property
    def process(self) -> tuple[int, str]:
        """The pid of the process that sends, 0 where there is none, and what is wrong with it."""
        return self._process.pid, self._process_fault or self._lacking

    async def test(self, names: Iterable[str]) -> Mapping[str, str]:
        """Send a test message to each of these targets now: by name, why it failed, or ``""``."""
        self._process.ensure()
        tests = {}
        for name in names:
            notice = for_test(name, self._origin.host)
            self._tests[notice.id] = tests[name] = self._loop.create_future()
            self._process.send({"do": "test", "message": self._message(notice)})
        seconds = max((self._targets[name].timeout_seconds for name in tests), default=0.0)
        try:
            await asyncio.wait(tests.values(), timeout=seconds + _TEST_GRACE)
            silent = "the process that sends does not answer"
            return {name: test.result() if test.done() else silent for name, test in tests.items()}
        finally:
            for id, test in [*self._tests.items()]:
                if test in tests.values():
                    del self._tests[id]

    # -- small things --------------------------------------------------------------------------

    def _event(self, reason: EventReason, message: str, type: Severity = "Warning") -> None:
        self._history.record(Event("", reason, message, type))

    def _save_soon(self) -> None:
        if "save" not in self._timers:
            self._later("save", max(_SAVE, self._save_rest), self._save)

    def _save(self) -> None:
        began = self._loop.time()
        self._unsaved = 0
        self._history.set_setting(SETTING, self._known.to_text())
        self._save_rest = _SHARE * (self._loop.time() - began)

    def _later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """In so many seconds, in the place of what was to be done under this name."""
        before = self._timers.pop(name, None)
        if before is not None:
            before.cancel()

        def now() -> None:
            self._timers.pop(name, None)
            call()

        self._timers[name] = self._loop.call_later(seconds, now)


def _messages(count: int) -> str:
    return f"{count} message{'s' if count != 1 else ''}"


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
