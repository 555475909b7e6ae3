"""Where a new process is born: in its cgroup only where that is worth a millisecond."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.loop.processes import limiting
from reconciler.loop.processes.limiting import Limiting
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.observed.host.facts import gather


def named(app: str) -> Tag:
    return Tag("store", app, 0, "a" * 12, "nonce")


WEB = named("web")
RUNNING = Process(WEB, ProcessId(1, 1), 0.0, ready=True)


class FakeCgroups:
    """Opens /dev/null for every cgroup, and counts."""

    possible = False

    def __init__(self) -> None:
        self.opened = 0

    def open(self, tag: Tag) -> int:
        self.opened += 1
        return os.open(os.devnull, os.O_RDONLY)


class FakeHost:
    def __init__(self) -> None:
        self.running: list[Process] = []

    def processes(self, app: str) -> Sequence[Process]:
        return [one for one in self.running if one.tag.app == app]


class Stage:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.cgroups, self.host = FakeCgroups(), FakeHost()
        monkeypatch.setattr(limiting, "boot_now", lambda: self.now)
        ignore: Any = lambda *_: None  # noqa: E731  nobody listens
        cgroups = cast("Cgroups", self.cgroups)
        self.limiting = Limiting(
            gather(), cgroups, cast("Any", self.host), ignore, ignore, kernel=cast("Any", None)
        )

    def is_born_inside(self, tag: Tag = WEB, *, quick: bool = True) -> bool:
        before = self.cgroups.opened
        fd = self.limiting.place(tag, quick=quick)
        if fd >= 0:
            os.close(fd)
        return self.cgroups.opened > before and fd >= 0


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_a_first_start_is_born_in_its_cgroup_and_one_right_after_another_is_not(
    stage: Stage,
) -> None:
    assert stage.is_born_inside()
    assert not stage.is_born_inside(named("other"))
    stage.now += 1
    assert stage.is_born_inside(named("third"))


def test_an_update_of_what_has_run_for_a_while_does_not_wait_for_its_cgroup(stage: Stage) -> None:
    stage.host.running = [replace(RUNNING, started_at=stage.now - 5)]
    assert not stage.is_born_inside()
    stage.now += 1
    assert stage.is_born_inside(named("other")), "nothing is known of that one"


def test_what_has_just_begun_tells_nothing_yet(stage: Stage) -> None:
    stage.host.running = [replace(RUNNING, started_at=stage.now - 0.1)]
    assert stage.is_born_inside()


def test_a_program_that_left_others_behind_is_born_inside_from_then_on(stage: Stage) -> None:
    gone = replace(RUNNING, started_at=stage.now - 5)
    stage.limiting.ran(gone, left=True)
    stage.host.running = [gone]
    assert stage.is_born_inside()


def test_a_start_that_is_slow_anyway_is_always_born_inside(stage: Stage) -> None:
    stage.host.running = [replace(RUNNING, started_at=stage.now - 5)]
    assert stage.is_born_inside(quick=False)
