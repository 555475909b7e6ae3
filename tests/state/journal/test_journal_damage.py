"""What a host, another release or a hand does to the journal costs as little as can be."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.diff.core.history import failure_of
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure, JournalHealth, Recall
from reconciler.model.state.observed import ProcessId
from reconciler.state.journal.database import aside_of
from reconciler.state.journal.journal import Journal
from reconciler.state.root import accepted
from tests.state.journal.test_journal import JOB, MEMORY, TAG

FIRST_RELEASE = """
CREATE TABLE app (name TEXT PRIMARY KEY, source TEXT, memory TEXT NOT NULL);
CREATE TABLE revision (
    app TEXT, number INTEGER, hash TEXT, spec TEXT, marks TEXT, created_at REAL,
    good INTEGER, failed TEXT, PRIMARY KEY (app, number));
CREATE TABLE process (
    boot_id TEXT, pid INTEGER, start INTEGER, tag TEXT, stopping_at REAL,
    PRIMARY KEY (boot_id, pid, start));
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at REAL, app TEXT, instance INTEGER, type TEXT, reason TEXT,
    message TEXT);
CREATE INDEX event_app ON event (app, id);
CREATE TABLE usage (
    nonce TEXT PRIMARY KEY, at REAL, history BLOB NOT NULL, trend TEXT NOT NULL);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
INSERT INTO revision VALUES ('web', 3, 'c.-', '{"command": ["z"]}', '{"S": "k-1"}', 5.0, 1, NULL);
INSERT INTO process VALUES ('boot', 10, 20, 'store/web/0/c.-/nonce', NULL);
INSERT INTO event VALUES (7, 8.0, 'web', 0, 'Normal', 'Started', 'started pid 10');
INSERT INTO setting VALUES ('root', '1:2');
PRAGMA user_version = 1;
"""
FIRST_MEMORY = {
    "ended": {
        "3": {
            "hash": "c.-",
            "exit": {"code": 1, "signal": None, "reason": "", "detail": ""},
            "at": 5.0,
            "failures": 4,
            "retry_at": 9.0,
            "fault": "why",
            "served": True,
        }
    },
    "evictions": {},
    "restarts": {"3": 7},
    "restart_requested_at": None,
    "begun": True,
    "dependency_starts": {},
    "progressed_at": None,
    "progress": 0,
    "paused": True,
    "canary": 0,
    "unbuilt": 0,
    "limited": ["nice"],
    "runs": [],
    "last_run": 0,
    "called_revision": 0,
    "scheduled": "",
    "scheduled_until": None,
    "held_back": None,
    "boot_id": "boot",
}


@contextmanager
def opened(path: Path, boot: str = "boot") -> Iterator[Journal]:
    journal = Journal(path, boot)
    try:
        yield journal
    finally:
        journal.close()


def sql(path: Path, statement: str, *values: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement, values).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal that remembers an app and a Job."""
    path = tmp_path / "recon.db"
    with opened(path) as journal:
        journal.remember("web", MEMORY, "/m/web.yaml")
        journal.remember("report", JOB, "/m/web.yaml")
        journal.started(ProcessId(10, 20), TAG)
        journal.set_setting("root", "1:2")
        journal.record(Event("web", "Started", "first"))
    return path


def reasons(journal: Journal) -> list[str]:
    return [event.reason for event in journal.take_news()]


# -- other releases ----------------------------------------------------------------------------


def first_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(FIRST_RELEASE)
        db.execute("PRAGMA journal_mode = WAL")
        row = ("web", "/m/web.yaml", json.dumps(FIRST_MEMORY))
        db.execute("INSERT OR REPLACE INTO app VALUES (?, ?, ?)", row)


@pytest.mark.parametrize(
    ("sentence", "failure"),
    [
        ("canary web-0 failed: exit 1", Failure.CANARY),
        ("its build has failed (exit 2)", Failure.BUILD),
        ("revision 3 made no progress for 600 s", Failure.DEADLINE),
    ],
)
def test_why_a_revision_failed_under_release_0_1_0_is_typed(
    tmp_path: Path, sentence: str, failure: Failure
) -> None:
    path = tmp_path / "recon.db"
    first_release(path)
    sql(path, "UPDATE revision SET good = 0, failed = ?", sentence)
    with opened(path) as journal:
        memory = journal.memories()["web"]
        assert failure_of(memory, memory.revisions[-1]) is failure


def test_what_release_0_1_0_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    first_release(path)
    with opened(path) as journal:
        memory = journal.memories()["web"]
        assert memory.paused and memory.ended[3].failures == 4 and memory.limited == ("nice",)
        assert [one.number for one in memory.revisions] == [3] and memory.revisions[0].good
        assert memory.recall is Recall.WHOLE
        assert journal.processes() and journal.setting("root") == "1:2"
        assert [one.event.message for one in journal.events()] == ["started pid 10"]
        assert journal.record(Event("web", "x", "y")).id == 8
        assert reasons(journal) == []


def test_release_0_1_0_reads_what_is_written_now(path: Path) -> None:
    with opened(path) as journal:
        journal.remember("lost", replace(JOB, recall=Recall.LOST), None)
    for (text,) in sql(path, "SELECT memory FROM app"):
        assert set(json.loads(text)) == set(FIRST_MEMORY), "it fails on a key it does not know"
    with opened(path) as journal:
        assert journal.memories()["lost"].recall is Recall.LOST
    # As that release writes: by position.
    row = ("lost", "/m/lost.yaml", json.dumps(FIRST_MEMORY))
    sql(path, "INSERT OR REPLACE INTO app VALUES (?, ?, ?)", *row)
    sql(path, "INSERT OR REPLACE INTO revision VALUES (?,?,?,?,?,?,?,?)", *range(8))
    sql(path, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", 99, 1.0, "a", 0, "b", "c", "d")
    assert sql(path, "PRAGMA user_version") == [(1,)], "any other is set aside there"
    with opened(path) as journal:
        assert journal.memories()["lost"].recall is Recall.WHOLE, "what it has written counts"


def test_what_a_later_release_adds_is_read_kept_and_written_back(path: Path) -> None:
    ((text,),) = sql(path, "SELECT memory FROM app WHERE name = 'report'")
    data = json.loads(text) | {"mood": {"of": ["today"]}}
    data["runs"][1] |= {"colour": "red"}
    data["runs"][1]["exit"] |= {"core": True}
    sql(path, "ALTER TABLE app ADD COLUMN shape TEXT")
    sql(path, "ALTER TABLE revision ADD COLUMN author TEXT")
    sql(path, "CREATE TABLE weather (day TEXT)")
    sql(path, "INSERT INTO weather VALUES ('fine')")
    sql(path, "UPDATE app SET memory = ?, shape = 'round' WHERE name = 'report'", json.dumps(data))
    sql(path, "UPDATE revision SET author = 'me'")
    with opened(path) as journal:
        assert journal.memories()["report"] == JOB
        journal.remember("report", replace(JOB, held_back=1.0), "/m/web.yaml")
        journal.remember("new", MEMORY, None)
        assert reasons(journal) == []
    ((text, shape),) = sql(path, "SELECT memory, shape FROM app WHERE name = 'report'")
    assert json.loads(text) == data | {"held_back": 1.0} and shape == "round"
    assert sql(path, "SELECT author FROM revision WHERE app = 'web' AND number = 1") == [("me",)]
    assert sql(path, "SELECT * FROM weather") == [("fine",)]
    assert sql(path, "SELECT count(*) FROM app WHERE name = 'new'") == [(1,)]


def test_a_version_of_another_kind_is_kept_and_told(path: Path) -> None:
    sql(path, "PRAGMA user_version = 7")
    with opened(path) as journal:
        assert journal.state.health is JournalHealth.UNREADABLE
        assert "version 7" in journal.state.message
        journal.remember("web", AppMemory(), None)
    assert not aside_of(path)
    sql(path, "PRAGMA user_version = 1")
    with opened(path) as journal:
        assert journal.memories()["web"] == MEMORY


# -- bad rows ----------------------------------------------------------------------------------

BAD = ['{"ended": {', "[]", "", "null", '{"paused": "perhaps"}', '{"progress": NaN}']
BAD += ['{"runs": 3}', '{"scheduled_until": 1e300}', "[" * 100_000]


@pytest.mark.parametrize("text", BAD)
def test_a_bad_memory_is_dropped_and_told_and_the_others_are_whole(path: Path, text: str) -> None:
    sql(path, "UPDATE app SET memory = ? WHERE name = 'web'", text)
    with opened(path) as journal:
        memories = journal.memories()
        assert memories["web"].recall is Recall.LOST
        assert memories["web"].revisions == MEMORY.revisions
        assert memories["report"] == JOB
        assert journal.sources()["web"] == "/m/web.yaml"
        (told,) = journal.take_news()
        assert (told.app, told.reason, told.type) == ("web", "JournalRowDropped", "Warning")
    view = Journal.open_readonly(path, "boot")
    assert view is not None and view.memories()["web"].recall is Recall.LOST, "it stays so"
    view.close()


def test_keys_that_are_missing_have_their_defaults(path: Path) -> None:
    sql(path, "UPDATE app SET memory = '{}' WHERE name = 'web'")
    with opened(path) as journal:
        assert journal.memories()["web"] == AppMemory(revisions=MEMORY.revisions)
        assert reasons(journal) == []


@pytest.mark.parametrize("column", ["spec", "hash", "number", "app"])
def test_a_bad_revision_never_makes_a_job_run_again(path: Path, column: str) -> None:
    sql(path, f"UPDATE revision SET {column} = x'ff00' WHERE app = 'report'")
    with opened(path) as journal:
        memory = journal.memories()["report"]
        known = memory.revisions and memory.revisions[-1].hash == JOB.revisions[-1].hash
        assert known or memory.recall is Recall.LOST or column == "app"
        assert "JournalRowDropped" in reasons(journal)
        assert journal.memories()["web"] == MEMORY


def test_a_missing_column_and_a_missing_table_are_made_again(path: Path) -> None:
    sql(path, "ALTER TABLE revision DROP COLUMN marks")
    sql(path, "DROP TABLE setting")
    sql(path, "DROP TABLE event")
    with opened(path) as journal:
        assert journal.memories()["report"] == JOB
        journal.set_setting("root", "3:4")
        journal.record(Event("web", "Started", "again"))
        assert journal.commit() is None
        assert [one.event.message for one in journal.events()] == ["again"]


def test_a_directory_that_is_not_known_any_more_is_told_and_no_other_is_taken_for_it(
    path: Path,
) -> None:
    sql(path, "UPDATE setting SET value = 'nonsense' WHERE name = 'root'")
    with opened(path) as journal:
        assert reasons(journal) == ["JournalRowDropped"]
        assert accepted(journal) == (-1, -1)


# -- the file ----------------------------------------------------------------------------------


def test_garbage_in_any_page_is_survived(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for page in range(len(whole) // 4096):
        hurt = tmp_path / str(page) / "recon.db"
        hurt.parent.mkdir()
        at = page * 4096
        hurt.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])
        with opened(hurt) as journal:
            assert aside_of(hurt), f"page {page}"
            assert "JournalSetAside" in reasons(journal)
            assert journal.state.health is JournalHealth.SET_ASIDE
            lost = journal.state.unremembered is Recall.LOST
            assert lost or journal.memories() == {"web": MEMORY, "report": JOB}
            journal.remember("new", JOB, None)
        with opened(hurt) as journal:
            assert journal.memories()["new"] == JOB
            assert reasons(journal) == []


def test_a_name_in_the_schema_that_is_no_text_is_damage(path: Path) -> None:
    """SQLite quotes it in an error that Python cannot decode."""
    data = path.read_bytes()
    assert data.count(b"CREATE TABLE setting") == 1
    path.write_bytes(data.replace(b"CREATE TABLE setting", b"CREATE TABLF \x99etting"))
    with opened(path) as journal:
        assert "JournalSetAside" in reasons(journal) and aside_of(path)
        assert journal.state.health is JournalHealth.SET_ASIDE


def test_events_without_numbers_are_damage(path: Path) -> None:
    sql(path, "DROP TABLE event")
    sql(
        path,
        "CREATE TABLE event (id TEXT, at REAL, app TEXT, instance INTEGER, type TEXT, reason TEXT,"
        " message TEXT)",
    )
    sql(path, "INSERT INTO event VALUES (NULL, 1.0, 'web', 0, 'Normal', 'Started', '')")
    with opened(path) as journal:
        assert "JournalSetAside" in reasons(journal)
        assert journal.memories() == {"web": MEMORY, "report": JOB}
        journal.record(Event("web", "Started", "again"))
        assert journal.commit() is None


def test_damage_that_is_met_later_costs_the_events_alone(path: Path) -> None:
    with opened(path) as journal:
        journal.commit()
        data = bytearray(path.read_bytes())
        ((root,),) = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = 'event'")
        data[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
        path.write_bytes(data)
        journal._db.execute("PRAGMA shrink_memory")  # type: ignore[union-attr]
        journal.record(Event("web", "Started", "second"))
        for _ in range(3):
            journal.commit()
        assert journal.memories() == {"web": MEMORY, "report": JOB}
    with opened(path) as journal:
        assert journal.memories() == {"web": MEMORY, "report": JOB}
        assert journal.events()[-1].event.message


def test_an_empty_file_is_damage_and_a_wal_alone_is_no_part_of_a_new_one(path: Path) -> None:
    Path(f"{path}-wal").write_bytes(b"old" * 5000)
    path.write_bytes(b"")
    with opened(path) as journal:
        assert journal.state.unremembered is Recall.LOST
        (aside,) = aside_of(path)
        assert Path(f"{aside}-wal").exists(), "the three files stay together"
    path.unlink()
    Path(f"{path}-wal").write_bytes(b"old" * 5000)
    with opened(path) as journal:
        assert journal.commit() is None and journal.memories() == {}


def test_a_directory_in_its_place_is_told_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "recon.db"
    path.mkdir()
    with opened(path) as journal:
        assert journal.state.health is JournalHealth.UNREADABLE
        assert "it is a directory" in journal.state.message
        assert not journal.look_after()
        journal.remember("web", MEMORY, None)
        path.rmdir()
        assert journal.look_after() and journal.state.writable
        assert reasons(journal)[-1] == "JournalRecovered"
    with opened(path) as journal:
        assert journal.memories()["web"].ended == MEMORY.ended


def test_a_link_leads_to_the_journal(path: Path, tmp_path: Path) -> None:
    path.rename(tmp_path / "elsewhere.db")
    path.symlink_to("elsewhere.db")
    with opened(path) as journal:
        assert journal.memories() == {"web": MEMORY, "report": JOB}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_wal_of_another_user_is_read(path: Path) -> None:
    journal = Journal(path, "boot")
    journal.remember("late", MEMORY, None)
    journal.commit()
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        Path(f"{copy}{end}").write_bytes(Path(f"{path}{end}").read_bytes())
    journal.close()
    os.chown(f"{copy}-wal", 54321, 54321)
    with opened(copy) as again:
        assert again.memories()["late"] == MEMORY


@pytest.mark.parametrize("how", ["removed", "renamed", "replaced"])
def test_a_file_that_is_gone_is_written_anew_from_memory(path: Path, how: str) -> None:
    with opened(path) as journal:
        journal.commit()
        if how == "removed":
            path.unlink()
        else:
            path.rename(path.with_name("backup"))
        if how == "replaced":
            first_release(path)
        journal.look_after()
        assert reasons(journal) == ["JournalRenewed"]
        if how != "replaced":  # that took the WAL away, too
            assert [one.event.message for one in journal.events()] == ["first"]
        assert list(path.parent.glob("recon.db.replaced-*")) or how != "replaced"
    with opened(path) as journal:
        assert journal.memories() == {"web": MEMORY, "report": JOB}
        assert journal.processes() and journal.setting("root") == "1:2"


def test_what_happens_before_it_can_be_read_is_added_to_it(path: Path) -> None:
    hidden = path.with_name("hidden")
    path.rename(hidden)
    path.mkdir()
    with opened(path) as journal:
        crashed = replace(UNREAD, ended={5: MEMORY.ended[3]}, restarts={5: 1, 3: 1}, begun=True)
        journal.remember("web", crashed, "/m/web.yaml")
        journal.record(Event("web", "Started", "second"))
        path.rmdir()
        hidden.rename(path)
        assert journal.look_after()
        memory = journal.memories()["web"]
        assert memory.recall is Recall.WHOLE and memory.paused and memory.begun
        assert set(memory.ended) == {3, 5} and memory.restarts == {3: 8, 5: 1}
        assert [one.event.message for one in journal.events()][:2] == ["first", "second"]


UNREAD = AppMemory(recall=Recall.UNREAD)


# -- statements --------------------------------------------------------------------------------


def test_a_name_that_is_not_utf8_poisons_nothing(path: Path) -> None:
    name = os.fsdecode(b"/m/b\xff.yaml")
    with opened(path) as journal:
        journal.record(Event("web", "Changed", f"{name} was changed"))
        journal.remember("odd", replace(MEMORY, scheduled=name), name)
        assert journal.commit() is None
    with opened(path) as journal:
        assert journal.sources()["odd"] == name
        assert journal.memories()["odd"].paused
        assert r"b\udcff.yaml was changed" in journal.events()[-1].event.message


def test_one_bad_statement_hinders_no_other(path: Path) -> None:
    with opened(path) as journal:
        journal.record(Event("web", "x", "before"))
        journal.started(ProcessId(2**70, 1), TAG)
        journal.record(Event("web", "x", 3 + 4j))  # type: ignore[arg-type]  # no value of SQLite's
        journal.record(Event("web", "x", "after"))
        assert journal.commit() is None and not journal.dirty
        assert reasons(journal) == ["JournalRowDropped", "JournalRowDropped"]
        assert [one.event.message for one in journal.events()] == ["first", "before", "after"]
