"""The journal survives what a host does to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.loop.journal import Journal
from reconciler.model.event import Event
from reconciler.model.memory import AppMemory, Ended, Eviction
from reconciler.model.observed import Exit, ProcessId, Tag
from reconciler.model.revision import Revision

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
    boot_id="boot",
)


def reopened(path: Path, boot: str = "boot") -> Journal:
    return Journal(path, boot)


def test_memory_comes_back_as_it_was_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.remember("web", MEMORY, "/m/web.yaml")
    journal.close()
    again = reopened(tmp_path / "db")
    assert again.memories() == {"web": MEMORY}
    assert again.sources() == {"web": "/m/web.yaml"}
    again.close()


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
    assert journal.put_aside is not None and journal.put_aside.exists()
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
    journal._db.execute("PRAGMA query_only = ON")  # the nearest to a full disk that is portable
    journal.remember("web", MEMORY, None)
    trouble = journal.commit()
    assert trouble is not None and "journal" in trouble and journal.dirty
    journal._db.execute("PRAGMA query_only = OFF")
    assert journal.commit() is None
    journal.close()
    again = reopened(path)
    assert "web" in again.memories()
    again.close()
