"""A new process is found: the cheap way where its numbers are sound, else by listing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.observed.processes.new_pids import TURNS, NewPids
from reconciler.system import procfs


class Proc:
    """A made-up /proc: pids and the counter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.last(0)

    def last(self, pid: int) -> None:
        (self.root / "loadavg").write_text(f"0.00 0.00 0.00 1/100 {pid}\n")

    def add(self, *pids: int) -> None:
        for pid in pids:
            (self.root / str(pid)).mkdir()

    def remove(self, pid: int) -> None:
        (self.root / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


@pytest.fixture
def new_pids(proc: Proc) -> NewPids:
    """Has seen 1 and 10, and that the counter is sound."""
    proc.add(1, 10)
    proc.last(9)
    made = NewPids(str(proc.root))
    made.listing()
    proc.last(10)
    made.add(10)
    assert made.latest() == []
    return made


def test_a_listing_tells_who_came_and_who_went(proc: Proc, new_pids: NewPids) -> None:
    proc.add(11, 12)
    proc.remove(1)
    assert new_pids.listing() == ([11, 12], {1})
    assert new_pids.listing() == ([], set())


def test_latest_gives_what_the_counter_passed_since(proc: Proc, new_pids: NewPids) -> None:
    proc.add(11, 13)
    proc.last(13)
    assert {11, 13} <= set(new_pids.latest())
    assert new_pids.latest() == []
    assert new_pids.listing().new == [11, 13]  # looked at again by the net


def test_a_counter_that_wrapped_around_gives_way_to_the_listing(
    proc: Proc, new_pids: NewPids
) -> None:
    proc.add(3)
    proc.last(4)
    assert new_pids.latest() == [3]


def test_a_counter_that_missed_a_child_of_ours_is_not_believed(
    proc: Proc, new_pids: NewPids
) -> None:
    proc.add(5000, 5001)
    new_pids.add(5000)
    proc.last(10)
    assert new_pids.latest() == [5001]


def test_who_vanished_is_told_to_the_next_listing_whatever_latest_did(
    proc: Proc, new_pids: NewPids
) -> None:
    proc.remove(1)
    proc.last(5)
    new_pids.latest()
    assert new_pids.listing().vanished == {1}


def test_of_ten_thousand_of_somebodys_each_is_looked_at_once_and_then_in_its_turn(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = range(1000, 11_000)
    monkeypatch.setattr(procfs, "pids", lambda _: [*crowd])
    new_pids = NewPids(str(proc.root))
    assert new_pids.listing().new == [*crowd]
    assert new_pids.listing().new == [] and new_pids.latest() == []
    turns = [new_pids.turn() for _ in range(TURNS)]
    assert max(map(len, turns)) <= -(-len(crowd) // TURNS)
    assert sorted(pid for turn in turns for pid in turn) == [*crowd]


def test_a_fork_on_the_real_host_is_among_the_latest() -> None:
    new_pids = NewPids()
    new_pids.listing()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        assert pid in new_pids.latest()
    finally:
        os.waitpid(pid, 0)
