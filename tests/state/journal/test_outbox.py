"""Notifications that wait are in the journal, whatever happens to the controller or the file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from reconciler.model.state.notice import Kind, Notice
from reconciler.model.state.reason import EventReason
from reconciler.state.journal.journal import Journal

NOTICE = Notice(
    "0badcafe",
    "ops",
    1_796_000_000.5,
    Kind.PROBLEM,
    "web crashes",
    "text\nof it",
    ({"app": "web"},),
)


def _written(path: Path, *notices: Notice) -> None:
    journal = Journal(path, "boot")
    for notice in notices:
        journal.post(notice)
    assert journal.commit() is None
    # as after kill -9: it is not closed


def test_what_is_committed_is_there_for_the_next_controller(tmp_path: Path) -> None:
    second = replace(NOTICE, id="1badcafe", created_at=NOTICE.created_at - 10)
    _written(tmp_path / "recon.db", NOTICE, second)
    assert [*Journal(tmp_path / "recon.db", "boot").outbox().values()] == [second, NOTICE]


def test_what_was_sent_is_gone(tmp_path: Path) -> None:
    _written(tmp_path / "recon.db", NOTICE)
    journal = Journal(tmp_path / "recon.db", "boot")
    journal.withdraw(NOTICE.id)
    journal.withdraw("no such id")
    journal.close()
    assert Journal(tmp_path / "recon.db", "another boot").outbox() == {}


def test_a_journal_that_is_removed_is_written_again_with_them(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    journal = Journal(path, "boot")
    journal.post(NOTICE)
    journal.commit()
    for file in tmp_path.glob("recon.db*"):
        file.unlink()
    journal.look_after()
    journal.close()
    assert Journal(path, "boot").outbox() == {NOTICE.id: NOTICE}


def test_one_that_is_made_while_nothing_can_be_read_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    _written(path, NOTICE)
    path.rename(tmp_path / "aside")
    path.mkdir()  # cannot be opened
    journal = Journal(path, "boot")
    other = replace(NOTICE, id="1badcafe")
    journal.post(other)
    journal.commit()
    path.rmdir()
    (tmp_path / "aside").rename(path)
    journal.look_after()
    assert {*journal.outbox()} == {NOTICE.id, other.id}


def test_a_bad_row_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    _written(path, NOTICE)
    with sqlite3.connect(path) as db:
        for id, text in (("a", "{"), ("b", '{"subject": 7, "text": ""}'), ("c", "null")):
            db.execute("INSERT INTO outbox VALUES (?, 'ops', 1.0, ?)", (id, text))
    journal = Journal(path, "boot")
    assert journal.outbox() == {NOTICE.id: NOTICE}
    assert [event.reason for event in journal.take_news()] == [EventReason.JOURNAL_ROW_DROPPED] * 3


def test_a_kind_of_a_later_release_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    _written(path, NOTICE)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE outbox SET notice = replace(notice, 'problem', 'poem')")
    assert Journal(path, "boot").outbox()[NOTICE.id].kind is Kind.EVENT


def test_a_journal_of_an_earlier_release_has_none(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    _written(path, NOTICE)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE outbox")
    assert Journal(path, "boot").outbox() == {}
