"""What an instance's cgroup tells of it, and when one is worth its millisecond at birth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.loop.processes.limiting import Limiting
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.spec.limits import Value
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from tests.loop.simulated.clock import Clock, install
from tests.loop.simulated.host import FACTS, SimulatedHost

TAG = Tag("store", "web", 0, "h.-", "n1")
KILLED = Exit(signal=9)


class Host:
    """What Limiting asks of the host: the process of ``TAG``."""

    def __init__(self) -> None:
        self.process = Process(TAG, ProcessId(2**22, 1), 1000.0)
        self.runs = True

    def processes(self, app: str | None = None) -> tuple[Process, ...]:
        return (self.process,) if self.runs and app in (None, "web") else ()

    def members(self, nonce: str) -> tuple[ProcessId, ...]:
        return (self.process.id,)

    def update(self, nonce: str, **changes: Any) -> None:
        self.process = replace(self.process, **changes)


class Limited:
    """Limits on one process, in a tree of cgroups that is a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.cgroups = Cgroups(CgroupFacts(base=str(folder)), "store")
        self.folder = Path(self.cgroups.directory(TAG))
        self.folder.mkdir(parents=True)
        self.host, self.events, self.changed = Host(), list[Event](), list[str]()
        self.limiting = Limiting(
            FACTS,
            self.cgroups,
            cast("Any", self.host),
            self.changed.append,
            self.events.append,
            kernel=SimulatedHost(clock, {}).kernel,
        )

    def count(self, file: str, text: str) -> None:
        (self.folder / file).write_text(text)

    def at_birth(self, quick: bool = True) -> bool:
        """Whether a new process would be born in its cgroup."""
        fd = self.limiting.place(TAG, quick=quick)
        if fd >= 0:
            os.close(fd)
        return fd >= 0


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Limited]:
    clock = Clock()
    install(clock, monkeypatch)
    made = Limited(tmp_path, clock)
    yield made
    made.limiting.close()


def test_a_kill_for_memory_is_told_as_one(limited: Limited) -> None:
    limited.host.update("n1", limits={"memoryHard": 300 << 20})
    assert limited.limiting.verdict(limited.host.process, KILLED) == KILLED
    limited.count("memory.events", "low 0\noom_kill 1\n")
    told = limited.limiting.verdict(limited.host.process, KILLED)
    assert told.reason == "OOMKilled" and "over 300Mi (limits.memoryHard)" in told.detail
    assert limited.limiting.verdict(limited.host.process, Exit(1)) == Exit(1)


def test_a_kill_that_the_kernel_did_not_count_came_from_outside(limited: Limited) -> None:
    limited.count("memory.events", "low 0\noom_kill 0\n")
    told = limited.limiting.verdict(limited.host.process, KILLED)
    assert (told.signal, told.reason) == (9, "")
    assert told.detail == "a person or another program; not the kernel's OOM killer"


def test_refused_forks_are_told_and_a_bomb_once_in_ten_minutes(limited: Limited) -> None:
    values: dict[str, Value] = {"processes": 100}
    limited.host.update("n1", limits=values)
    limited.limiting.declare("web", ("processes",))
    for refused in range(0, 6000, 1000):
        limited.count("pids.events", f"max {refused}\n")
        limited.clock.now += 60
        limited.limiting.sample()
    assert [event.reason for event in limited.events] == ["ProcessLimitReached"]
    assert "1000 forks were refused" in limited.events[0].message
    limited.clock.now += 600
    limited.limiting.sample()
    assert "4000 forks were refused" in limited.events[1].message


def test_what_is_being_stopped_is_not_shown_otherwise(limited: Limited) -> None:
    limited.host.update("n1", state=RunState.STOPPING)
    limited.limiting.declare("web", ("nice",))
    assert not limited.changed


def test_a_lone_start_is_born_in_its_cgroup_and_those_in_a_row_are_not(limited: Limited) -> None:
    limited.host.runs = False
    assert limited.at_birth()
    assert not limited.at_birth()
    assert limited.at_birth(quick=False), "it goes that way in any case"
    limited.clock.now += 1
    assert limited.at_birth()


def test_one_that_ran_for_a_while_and_left_nothing_needs_none(limited: Limited) -> None:
    limited.clock.now += 60
    limited.limiting.ran(limited.host.process, left=False)
    assert not limited.at_birth()
    limited.limiting.ran(limited.host.process, left=True)
    assert limited.at_birth()
    assert limited.at_birth(), "also in a row: it puts itself in the background"


def test_a_cgroup_that_still_holds_something_is_removed_later(limited: Limited) -> None:
    inner = limited.folder / "inner"
    inner.mkdir()
    (inner / "file").touch()  # a folder that cannot be removed
    limited.limiting.gone(TAG)
    assert limited.folder.exists()
    (inner / "file").unlink()
    inner.rmdir()
    limited.clock.now += 60
    limited.limiting.sample()
    assert not limited.folder.exists()
