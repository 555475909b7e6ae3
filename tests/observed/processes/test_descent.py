"""What other programs fork is told from what an instance may have forked, by its parents."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.observed.processes.descent import Descent

_MAIN, _DAEMON, _CHILD = 100, 200, 300


class World:
    """A made-up /proc: this process is the controller, and ``_MAIN`` an instance's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen = {1, os.getppid(), os.getpid(), _MAIN, _DAEMON}
        self.members = {_MAIN}
        self.add(1, 0)
        self.add(os.getppid(), 1)
        self.add(os.getpid(), os.getppid())
        self.add(_MAIN, os.getpid())
        self.add(_DAEMON, 1)
        self.descent = Descent(self.seen.__contains__, self.members.__contains__, str(root))

    def add(self, pid: int, parent: int, *, thread_of: int = 0) -> None:
        (self.root / str(pid)).mkdir(exist_ok=True)
        line = f"{pid} (a) S {parent} {pid} {pid} {'0 ' * 15}5 0"
        (self.root / str(pid) / "stat").write_text(line)
        (self.root / str(pid) / "status").write_text(f"Name:\ta\nTgid:\t{thread_of or pid}\n")

    def near(self, *pids: int) -> list[int]:
        return self.descent.candidates(pids)[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_another_program_forks_is_foreign(world: World) -> None:
    world.add(_CHILD, _DAEMON)
    assert world.descent.candidates([_CHILD]) == ([], [_CHILD])


def test_what_an_instance_forks_is_near(world: World) -> None:
    world.add(_CHILD, _MAIN)
    assert world.near(_CHILD) == [_CHILD]


def test_an_orphan_may_be_of_an_instance(world: World) -> None:
    for heir in (1, os.getppid(), os.getpid()):
        world.add(_CHILD, heir)
        assert world.near(_CHILD) == [_CHILD]


def test_a_grandchild_is_what_its_parents_are(world: World) -> None:
    world.add(_CHILD, _MAIN)
    world.add(_CHILD + 1, _CHILD)
    world.add(_CHILD + 2, _DAEMON)
    world.add(_CHILD + 3, _CHILD + 2)
    pids = range(_CHILD, _CHILD + 4)
    assert world.descent.candidates(pids) == (
        [_CHILD, _CHILD + 1],
        [_CHILD + 2, _CHILD + 3],
    )


def test_a_parent_that_has_ended_or_was_never_seen_proves_nothing(world: World) -> None:
    world.add(_CHILD + 1, _CHILD)
    assert world.near(_CHILD, _CHILD + 1) == [_CHILD + 1]
    assert world.near(_CHILD + 1) == [_CHILD + 1]


def test_an_adopted_instance_had_another_controller_whose_parents_may_get_its_orphans(
    world: World,
) -> None:
    manager, subreaper = 400, 401
    world.add(manager, 1)
    world.add(subreaper, manager)
    world.seen |= {manager, subreaper}
    world.add(_CHILD, manager)
    assert world.near(_CHILD) == []
    world.descent.below(subreaper)
    assert world.near(_CHILD) == [_CHILD]


def test_threads_and_what_has_ended_are_left_out(world: World) -> None:
    world.add(_CHILD, 1, thread_of=_DAEMON)
    assert world.descent.candidates([_CHILD, _CHILD + 1]) == ([], [])
