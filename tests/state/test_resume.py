"""A reader that comes back goes on where it was, and hears it when it has missed something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model.state.event import Event
from reconciler.state import resume
from reconciler.state.event_filter import EventFilter
from reconciler.state.journal import ledger, pending
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.journal import Journal


class _Time:
    """A wall clock of whole seconds."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Time:
    made = _Time()
    monkeypatch.setattr(ledger, "time", made)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def journal(path: Path, clock: _Time) -> Iterator[Journal]:
    made = Journal(path, "boot")
    yield made
    made.close()


def record(journal: Journal, *apps: str) -> list[RecordedEvent]:
    found = [journal.record(Event(app, "Started", "x")) for app in apps]
    journal.commit()
    return found


def following(journal: Journal, position: str, *apps: str) -> tuple[list[int], bool]:
    """The numbers of what a reader gets that comes back, and whether it lost some."""
    found = journal.resume(position, apps)
    events = journal.events_after(EventFilter(apps), found.after, 100)
    return [one.id for one in events], found.lost


def test_it_goes_on_after_what_it_has_read(journal: Journal) -> None:
    events = record(journal, "web", "db", "web", "db")
    assert following(journal, events[1].position) == ([3, 4], False)
    assert following(journal, events[3].position) == ([], False)
    assert following(journal, "2") == ([3, 4], False), "without a time as well"


def test_after_kill_9_the_numbers_that_were_not_written_are_other_events(
    path: Path, journal: Journal
) -> None:
    record(journal, "web")
    journal.record(Event("web", "Exited", "told, and never written"))
    seen = journal.record(Event("web", "BackOff", "told, and never written"))
    # The next controller: nothing was committed.
    after = Journal(path, "boot")
    record(after, "web", "web", "web")
    assert following(after, seen.position) == ([2, 3, 4], False)
    after.close()


def test_what_waits_to_be_written_is_known_as_well(journal: Journal) -> None:
    record(journal, "web")
    waiting = [journal.record(Event("web", "Started", "x")) for _ in range(3)]
    assert following(journal, waiting[1].position) == ([4], False)
    assert following(journal, waiting[2].position) == ([], False)


def test_a_journal_that_was_removed_tells_so_and_gives_what_it_has(
    tmp_path: Path, journal: Journal
) -> None:
    seen = record(journal, *["web"] * 50)[-1]
    anew = Journal(tmp_path / "other", "boot")
    record(anew, "web", "db")
    found = anew.resume(seen.position, ())
    assert (found.after, found.lost) == (0, True) and found.oldest is not None
    assert following(anew, seen.position) == ([1, 2], True)
    anew.close()


def test_an_empty_journal_has_lost_what_there_was(tmp_path: Path, clock: _Time) -> None:
    journal = Journal(tmp_path / "db", "boot")
    assert journal.resume("7-1000", ()) == resume.Resumed(0, lost=True)
    journal.close()


def test_events_that_were_removed_since_are_lost_for_their_readers_alone(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pending, resume):
        monkeypatch.setattr(module, "EVENTS_KEPT_OF_APP", 10)
    monkeypatch.setattr(
        pending,
        "_TRIM",
        "DELETE FROM event WHERE app = ? AND id <= "
        "(SELECT id FROM event WHERE app = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
    )
    first = record(journal, "quiet", "loud")
    for _ in range(10):
        record(journal, "loud", "loud", "loud")
    last = record(journal, "quiet")
    assert following(journal, first[1].position, "quiet") == ([last[0].id], False)
    assert following(journal, first[1].position, "loud")[1], "its oldest ones are gone"
    assert following(journal, first[1].position)[1]
    newest = journal.events(("loud",))[-3]
    assert not following(journal, newest.position, "loud")[1]


@pytest.mark.parametrize("position", ["", "x", "-1", "1-", "1-x", "9" * 30, "1-2-3", "²", "1 2"])
def test_what_is_no_position_is_refused(journal: Journal, position: str) -> None:
    with pytest.raises(ValueError, match="is not the id of an event"):
        journal.resume(position, ())
