"""Events in the journal: their details beside them, filters, and what older releases wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.model.state.event import Actor, EndDetails, Event
from reconciler.state.event_filter import EventFilter
from reconciler.state.journal import pending
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.journal import Journal

END = EndDetails(1, "", 2.5, ("a line", "ü 日本"), "/var/core", 3000, "pid 7 (node)")
BY = Actor("restart", 1000, "alice", "1a2b")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "db", "boot")
    yield made
    made.close()


def read_again(journal: Journal) -> list[Event]:
    """What the next controller reads."""
    journal.commit()
    found = Journal.open_readonly(journal._path, "boot")
    assert found is not None
    try:
        return [one.event for one in found.events()]
    finally:
        found.close()


def test_details_are_read_as_they_were_written(journal: Journal) -> None:
    events = [
        Event("web", "Exited", "x", "Warning", 0, end=END),
        Event("web", "RestartRequested", "x", by=BY),
        Event("web", "Exited", "x", "Warning", 0, end=EndDetails(signal="SIGSEGV"), by=BY),
        Event("web", "Started", "x", instance=0),
    ]
    for event in events:
        journal.record(event)
    assert read_again(journal) == events


@pytest.mark.parametrize("committed", [False, True])
def test_what_is_found_out_later_completes_the_event(journal: Journal, committed: bool) -> None:
    recorded = journal.record(Event("web", "Exited", "x", "Warning", 0, end=EndDetails(code=1)))
    journal.record(Event("web", "Started", "x"))
    if committed:
        journal.commit()
    journal.amend(replace(recorded, event=replace(recorded.event, end=END)))
    assert [event.end for event in read_again(journal)] == [END, None]


def test_each_filter_means_the_same_of_what_is_written_and_what_is_not(journal: Journal) -> None:
    for app in ("web", "db"):
        journal.record(Event(app, "Started", "x"))
        journal.record(Event(app, "Exited", "x", "Warning", end=END))
        journal.record(Event(app, "RestartRequested", "x", by=BY))
    middle = journal.events()[3].at
    filters = [
        EventFilter(),
        EventFilter(apps=("web",)),
        EventFilter(apps=("web", "db"), reasons=("Exited", "Started")),
        EventFilter(type="Warning"),
        EventFilter(since=middle),
        EventFilter(audit=True),
        EventFilter(ended=True, audit=True),
        EventFilter(ended=True),
        EventFilter(apps=("nobody",)),
    ]

    def answers() -> list[list[RecordedEvent]]:
        return [
            found
            for wanted in filters
            for found in (
                journal.newest_events(wanted, 3),
                journal.events_after(wanted, 2, 2),
                journal.events_after(wanted, journal.before_newest(wanted, 1), 10),
            )
        ]

    before = answers()
    journal.commit()
    assert answers() == before
    assert [len(found) for found in before[::3]] == [3, 3, 3, 2, 3, 2, 0, 2, 0]
    assert [len(found) for found in before[2::3]] == [1, 1, 1, 1, 1, 1, 0, 1, 0]


def test_a_journal_of_an_earlier_release_has_no_details_and_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "db"
    journal = Journal(path, "boot")
    journal.record(Event("web", "Exited", "long ago", "Warning"))
    journal.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE detail")
        db.commit()
    old = Journal.open_readonly(path, "boot")
    assert old is not None
    assert [one.event.message for one in old.events()] == ["long ago"]
    assert old.newest_events(EventFilter(audit=True), 9) == []
    old.close()
    journal = Journal(path, "boot")
    journal.record(Event("web", "Exited", "now", "Warning", end=END))
    assert [event.end for event in read_again(journal)] == [None, END]
    journal.close()


@pytest.mark.parametrize("text", ["{", "[]", '{"code": "x"}', "null", b"\xff", 5, "[" * 99_999])
def test_damaged_details_cost_the_details_alone(journal: Journal, text: object) -> None:
    journal.record(Event("web", "Exited", "x", "Warning", end=END))
    journal.commit()
    with closing(sqlite3.connect(journal._path)) as db:
        db.execute("UPDATE detail SET ended = ?, asked = ?", (text, text))
        db.commit()
    (event,) = read_again(journal)
    assert event == Event("web", "Exited", "x", "Warning")


def test_details_of_a_later_release_are_read_as_far_as_they_are_known(journal: Journal) -> None:
    journal.record(Event("web", "Exited", "x", "Warning", end=END))
    journal.commit()
    with closing(sqlite3.connect(journal._path)) as db:
        db.execute("UPDATE detail SET ended = ?", ('{"code": 7, "planet": "earth"}',))
        db.commit()
    (event,) = read_again(journal)
    assert event.end == EndDetails(code=7)


def test_details_are_kept_of_the_newest_and_of_who_asked(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "_DETAILS_KEPT", 100)
    journal.record(Event("db", "RestartRequested", "x", by=BY))
    for number in range(4000):
        journal.record(Event("web", "Exited", str(number), "Warning", end=END))
        if number % 100 == 0:
            journal.commit()
    journal.commit()
    with closing(sqlite3.connect(journal._path)) as db:
        (count,) = db.execute("SELECT count(*) FROM detail").fetchone()
    assert 100 < count < 100 + 1000 + 100, "they are removed once in 1000 events"
    assert [one.id for one in journal.newest_events(EventFilter(audit=True), 5)] == [1]


def test_while_nothing_can_be_written_few_details_wait(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "_DETAILS_PENDING", 3)
    for number in range(10):
        journal.record(Event("web", "Exited", str(number), "Warning", end=END))
    journal._pending.bound()
    assert [one.event.end for one in journal._pending.events] == [None] * 7 + [END] * 3
