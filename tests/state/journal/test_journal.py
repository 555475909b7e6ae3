"""The journal survives what a host does to it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from reconciler.model.host.load import Shortage, Withheld
from reconciler.model.state.event import Event
from reconciler.model.state.memory import (
    AppMemory,
    Ended,
    Eviction,
    Failure,
    GivenUp,
    JournalHealth,
    JournalState,
    Outcome,
    Run,
)
from reconciler.model.state.observed import Exit, ProcessId, Tag
from reconciler.model.state.revision import Revision
from reconciler.state.journal import records
from reconciler.state.journal.database import aside_of
from reconciler.state.journal.journal import Journal

TAG = Tag("store", "web", 0, "abc.-", "nonce")
MEMORY = AppMemory(
    revisions=(
        Revision(1, "a.-", {"command": ["x"]}, good=True, created_at=1.0),
        Revision(2, "b.-", {"command": ["y"]}, {"S": "k-1"}, 2.0, failed="no progress"),
    ),
    ended={3: Ended("b.-", Exit(1), 5.0, 4, 9.0, "why", served=True)},
    evictions={1: Eviction("b.-", 9, "n1", 3.0, 4.0, 2, 6.0, "uses too much")},
    restarts={3: 7},
    restart_requested_at=1.5,
    progressed_at=2.5,
    progress=6,
    paused=True,
    canary=2,
    unbuilt=2,
    boot_id="boot",
)
JOB = AppMemory(
    revisions=(Revision(1, "a.-", {"command": ["x"], "kind": "Job"}, created_at=1.0),),
    runs=(
        Run(7, "a.-", "revision 1", 100.0, None, 101.0, 109.0, Outcome.SUCCEEDED, exit=Exit(0)),
        Run(
            *(8, "a.-", "schedule", 200.0, 199.0, 201.0, None, Outcome.ACTIVE, "", 2),
            *(Exit(signal=9, reason="OOMKilled", detail="too much"), "", False, 55.0, 44.0),
        ),
        Run(9, "a.-", "requested", 210.0, outcome=Outcome.FAILED, reason="Replaced", fault="no"),
        Run(10, "a.-", "requested", 220.0, began_at=221.0, trying=True, began_boot=50.0),
    ),
    last_run=10,
    called_revision=1,
    scheduled="0 * * * * UTC",
    scheduled_until=199.0,
    held_back=198.0,
    boot_id="boot",
)


def reopened(path: Path, boot: str = "boot") -> Journal:
    return Journal(path, boot)


def test_memory_comes_back_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, "/m/web.yaml")
    journal.remember("report", JOB, "/m/web.yaml")
    journal.close()
    again = reopened(tmp_path / "db")
    assert again.memories() == {"web": MEMORY, "report": JOB}
    assert again.sources() == {"web": "/m/web.yaml", "report": "/m/web.yaml"}
    again.close()


def test_the_key_of_a_message_is_the_one_that_0_1_0_reads() -> None:
    given_up = {2: GivenUp(Failure.BUILD, "its build failed")}
    memory = replace(MEMORY, revisions=(), given_up=given_up)
    first, later = records.dump(memory)
    assert json.loads(first)["evictions"]["1"]["told"] == "uses too much"
    assert json.loads(later or "")["more"]["given_up"]["2"]["told"] == "its build failed"
    assert records.load(first, later) == (memory, None)


def test_revisions_that_were_dropped_stay_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, None)
    journal.remember("web", replace(MEMORY, revisions=MEMORY.revisions[1:]), None)
    journal.close()
    again = reopened(tmp_path / "db")
    assert [r.number for r in again.memories()["web"].revisions] == [2]
    again.close()


def test_after_a_boot_revisions_remain_but_times_of_the_old_boot_do_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, None)
    journal.started(ProcessId(1, 2), TAG)
    journal.close()
    again = reopened(tmp_path / "db", "another boot")
    memory = again.memories()["web"]
    assert memory.revisions == MEMORY.revisions
    assert not memory.ended and memory.progressed_at is None
    assert memory.restarts == MEMORY.restarts
    assert memory.paused and memory.canary == 2, "a rollout that was held still is"
    assert not again.processes()
    again.close()


def test_what_was_let_in_and_what_waits_outlives_a_boot(tmp_path: Path) -> None:
    held = Withheld(900, 3, Shortage.MEMORY, 9 << 30, 1 << 30, 8 << 20, measured=True, apps=2)
    memory = AppMemory(admitted=3, confirmed=7, withheld=held)
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", memory, "/m/web.yaml")
    journal.close()
    for boot in ("boot", "another boot"):
        again = reopened(tmp_path / "db", boot)
        assert replace(again.memories()["web"], boot_id="") == memory
        again.close()


def test_runs_outlive_a_boot_and_what_was_seen_to_of_the_schedule_does(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("report", JOB, None)
    journal.close()
    again = reopened(tmp_path / "db", "another boot")
    timeless = [replace(run, retry_at=None, began_boot=None) for run in JOB.runs]
    assert again.memories()["report"] == replace(JOB, runs=tuple(timeless), boot_id="")
    again.close()


def test_a_memory_that_a_release_without_jobs_wrote_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, None)
    journal.commit()
    journal.close()
    with closing(sqlite3.connect(tmp_path / "db")) as db:
        ((text,),) = db.execute("SELECT memory FROM app")
        old = json.loads(text)
        for name in ("runs", "last_run", "called_revision", "scheduled", "scheduled_until"):
            del old[name]
        db.execute("UPDATE app SET memory = ?", (json.dumps(old),))
        db.commit()
    again = reopened(tmp_path / "db")
    assert again.memories() == {"web": MEMORY}
    again.close()


def test_processes_are_known_again_with_the_stop_that_was_begun(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.started(ProcessId(10, 20), TAG)
    journal.started(ProcessId(11, 21), TAG)
    journal.stopping(ProcessId(11, 21), 33.0)
    journal.ended(ProcessId(12, 22))
    journal.close()
    again = reopened(tmp_path / "db")
    assert again.processes() == {ProcessId(10, 20): (TAG, None), ProcessId(11, 21): (TAG, 33.0)}
    again.close()


def test_events_are_numbered_on_over_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    first = journal.record(Event("web", "Started", "one"))
    journal.close()
    again = reopened(tmp_path / "db")
    second = again.record(Event("api", "Started", "two", "Warning", 3))
    again.commit()
    assert second.id == first.id + 1
    assert [e.event.message for e in again.events()] == ["one", "two"]
    assert again.events(("api",)) == [second]
    assert again.events(limit=1) == [second]
    again.close()


def test_unreadable_journal_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "db"
    path.write_bytes(b"this is no database, however long one looks at it" * 100)
    journal = Journal(path, "boot")
    assert aside_of(path)
    journal.remember("web", MEMORY, None)
    journal.close()
    again = reopened(path)
    assert "web" in again.memories()
    again.close()


def test_readonly_view_sees_what_was_committed_and_none_where_there_is_no_journal(
    tmp_path: Path,
) -> None:
    assert Journal.open_readonly(tmp_path / "db", "boot") is None
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, None)
    journal.commit()
    view = Journal.open_readonly(tmp_path / "db", "boot")
    assert view is not None and "web" in view.memories()
    view.close()
    journal.close()


def test_failed_commit_keeps_what_it_could_not_write(tmp_path: Path) -> None:
    path = tmp_path / "db"
    journal = Journal(path, "boot")
    journal.commit()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        journal.remember("web", MEMORY, None)
        trouble = journal.commit()
        assert trouble is not None and "database is locked" in trouble and journal.dirty
        assert journal.state.health is JournalHealth.UNWRITABLE and journal.state.text == trouble
        assert journal.state.remedy.startswith("recon tries again")
    assert journal.commit() is None and journal.state == JournalState()
    assert [event.reason for event in journal.take_news()] == [
        "JournalUnavailable",
        "JournalRecovered",
    ]
    journal.close()
    again = reopened(path)
    assert "web" in again.memories()
    again.close()
