"""Memories and the timeline: written a moment later, masked, and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.memory import AppMemory, Ended
from reconciler.model.state.observed import Exit
from reconciler.model.state.revision import Revision
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import UsageHistory
from reconciler.state.flood import BURST
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from tests.loop.simulated.clock import Clock, JumpingLoop


class Written:
    """A history on a journal of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = JumpingLoop(Clock())
        self.journal = Journal(path, "boot")
        self.writable = 0
        self.history = History(
            self.journal,
            self.loop,
            lambda name: f"/m/{name}.yaml",
            lambda text: text.replace("s3cret", "*****"),
            on_writable=self._hear,
        )

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def on_disk(self) -> Journal:
        """What the next controller would find now."""
        found = Journal.open_readonly(self.path, "boot")
        assert found is not None
        return found

    def hold(self, held: bool) -> None:
        """Let nothing be written to the journal."""
        assert self.journal._db is not None
        self.journal._db.execute(f"PRAGMA query_only = {int(held)}")

    def _hear(self) -> None:
        self.writable += 1


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    made = Written(tmp_path / "db")
    yield made
    made.history.close()
    made.loop.close()


def event(message: str = "ended", reason: str = "Exited") -> Event:
    return Event("web", reason, message, instance=0)


def test_what_is_remembered_is_on_the_disk_a_moment_later_and_in_one_piece(
    written: Written,
) -> None:
    for restarts in range(100):
        written.history.remember("web", AppMemory(restarts={0: restarts}))
    assert not written.on_disk().memories()
    written.run(0.06)
    found = written.on_disk()
    assert found.memories()["web"].restarts == {0: 99}
    assert found.sources() == {"web": "/m/web.yaml"}


def test_what_is_forgotten_is_gone_from_both(written: Written) -> None:
    written.history.remember("web", AppMemory(restarts={0: 1}))
    written.run(1)
    written.history.forget("web")
    written.run(1)
    assert not written.history.memories and not written.on_disk().memories()


def test_no_secret_is_written_down(written: Written) -> None:
    memory = AppMemory(
        revisions=(Revision(1, "h.-", {"command": ["x"]}, failed="no s3cret"),),
        ended={0: Ended("h.-", Exit(1), 1.0, 1, None, "bad s3cret")},
        left={1: Ended("h.-", Exit(1), 1.0, 1, None, "old s3cret")},
    )
    written.history.remember("web", memory)
    written.history.record(event("said s3cret"))
    written.run(1)
    found = written.history.memory("web")
    assert found.revisions[0].failed == "no *****"
    assert (found.ended[0].fault, found.left[1].fault) == ("bad *****", "old *****")
    assert [one.event.message for one in written.history.events()] == ["said *****"]
    assert b"s3cret" not in written.path.read_bytes()


def test_listeners_hear_each_event_until_they_leave(written: Written) -> None:
    heard: list[str] = []
    leave = written.history.listen(lambda one: heard.append(one.event.message))
    written.history.record(event("one"))
    leave()
    written.history.record(event("two"))
    assert heard == ["one"]
    assert [one.event.message for one in written.history.events(("web",))] == ["one", "two"]
    assert written.history.events(("db",)) == []


def test_what_is_owed_keeps_its_place_in_the_timeline(written: Written) -> None:
    history, heard = written.history, list[str]()
    history.listen(lambda one: heard.append(one.event.message))
    for name in ("one", "two"):
        history.owe(lambda name=name: history.record(event(name)))  # type: ignore[misc]
    assert heard == [], "what follows from it comes first"
    history.record(event("three"))
    assert heard == ["one", "two", "three"]


def test_what_is_owed_is_recorded_after_what_is_due_now(written: Written) -> None:
    history, done = written.history, list[str]()
    history.owe(lambda: done.append("recorded"))
    written.loop.call_soon(lambda: done.append("started"))
    written.run(0)
    assert done == ["started", "recorded"]


def test_a_reader_and_the_journal_have_what_is_owed(written: Written) -> None:
    history = written.history
    history.owe(lambda: history.record(event("one")))
    assert [one.event.message for one in history.events()] == ["one"]
    history.owe(lambda: history.record(event("two")))
    assert history.flush()
    assert [one.event.message for one in written.on_disk().events()] == ["one", "two"]


def test_what_cannot_be_recorded_spoils_nothing_else(written: Written) -> None:
    def fails() -> None:
        raise ValueError("a fault of ours")

    written.history.owe(fails)
    written.history.owe(lambda: written.history.record(event("one")))
    written.history.record(event("two"))
    assert [one.event.message for one in written.history.events()] == ["one", "two"]
    assert [str(one["exception"]) for one in written.loop.faults] == ["a fault of ours"]
    written.loop.faults.clear()


def test_a_burst_is_summed_up_by_the_one_who_looks_after_it(written: Written) -> None:
    for number in range(BURST + 5):
        written.history.record(event(f"crash {number}"))
    assert len(written.history.events()) == BURST
    written.run(60)
    written.history.look_after()
    assert written.history.events()[-1].event.message.startswith("5 more like this")


def test_while_it_cannot_be_written_all_waits_and_is_tried_again(written: Written) -> None:
    written.hold(True)
    written.history.remember("web", AppMemory(restarts={0: 1}))
    assert not written.history.flush() and not written.history.journal.writable
    written.run(20)
    assert not written.on_disk().memories()
    written.hold(False)
    written.run(6)
    assert written.on_disk().memories()["web"].restarts == {0: 1}
    assert written.writable == 1, "who waits for it is told"
    told = [one.event.reason for one in written.history.events()]
    assert told == ["JournalUnavailable", "JournalRecovered"]


def test_what_an_instance_used_is_kept_until_it_is_forgotten(written: Written) -> None:
    used = UsageHistory()
    used.add(0.0, 7, 1.0)
    written.history.save_usage("n1", used, Trend())
    written.run(1)
    kept = written.history.usage("n1")
    assert kept is not None and kept[0].buckets() == used.buckets()
    written.history.forget_usage("n1")
    written.run(1)
    assert written.history.usage("n1") is None


def test_a_revision_is_dated_when_it_is_remembered(written: Written) -> None:
    memory = AppMemory(revisions=(Revision(1, "h.-", {"command": ["x"]}),))
    written.history.remember("web", memory)
    dated = written.history.memory("web")
    assert dated.revisions[0].created_at
    written.history.remember("web", replace(dated, paused=True))
    assert written.history.memory("web").revisions == dated.revisions


def test_a_thousand_crashes_a_minute_fill_neither_the_journal_nor_the_memory(
    written: Written,
) -> None:
    end = EndDetails(code=1, stderr=("x" * 160,) * 10)
    recorded = []
    for number in range(1000):
        event = Event("web", "Exited", f"pid {number} ended", "Warning", 0, end)
        recorded.append(written.history.admit(event))
        written.run(0.06)
    told = [one for one in recorded if one is not None]
    assert BURST <= len(told) <= BURST + 3
    last = written.history._flood._buckets["web", 0, "Exited"].last
    assert last is not None and last.end is None
    events = written.history.events(limit=2000)
    assert len(events) <= 2 * len(told)
    with_details = [one for one in events if one.event.end is not None]
    assert {one.id for one in with_details} == {one.id for one in told}
