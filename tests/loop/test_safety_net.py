"""The safety net, and what stands beside the plan: troubles are told once and end nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reconciler.loop import safety_net
from reconciler.model.state.observed import Tag
from reconciler.observed.processes.host import Found
from reconciler.state.neighbours import Neighbour, Neighbours
from tests.diff.simhost import app_of
from tests.loop.simulated.processes import Processes
from tests.loop.simulated.world import World


def test_trouble_with_a_look_at_the_host_is_told_and_the_net_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.begin(app_of(), run=60)

    def fails(*_: Any, **__: Any) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Processes, "relist", fails)
        world.run_for(12)
    told = world.messages("FailedRelist", "")
    assert told == ["[Errno 24] Too many open files; trying again"] * len(told) and told
    world.run_for(60)
    assert len(world.messages("FailedRelist", "")) == len(told) and world.numbers() == [0]


def test_a_process_of_ours_that_nobody_told_of_is_found_and_known(world: World) -> None:
    """As one whose controller was killed between its start and its registration."""
    world.begin(app_of(), run=60)
    one = world.of()[0]
    stray = Tag(one.tag.store, "web", 7, one.tag.hash, "stray")
    world.host.alive["stray"] = type(one)(
        stray, one.id._replace(pid=one.id.pid + 1), world.clock.now, one.program, False, None
    )
    world.run_for(30)
    assert world.numbers() == [0], "one that is too many is stopped"


@pytest.mark.parametrize("step", ["the state directory", "what others keep there"])
def test_trouble_with_the_state_directory_keeps_no_process_from_being_found(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    async def fails_later() -> None:
        fails()

    world.begin(app_of(), run=60)
    if step == "the state directory":
        monkeypatch.setattr(safety_net, "keep_key", fails)
    else:
        world.controller.net.upkeep.append(fails_later)
    world.host.freeze(world.of()[0].tag.nonce)
    world.run_for(60)
    assert "Frozen" in [drift.kind for drift in world.plan().status.drift]
    assert world.messages("FailedRelist", "")[0].endswith("Read-only file system; trying again")


def test_one_that_was_frozen_from_outside_is_shown_and_left_alone(world: World) -> None:
    world.begin(app_of(), run=60)
    world.host.freeze(world.of()[0].tag.nonce)
    world.run_for(60)
    assert "Frozen" in [drift.kind for drift in world.plan().status.drift]
    assert len(world.starts()) == 1 and not world.signals()


def test_logs_that_cannot_be_written_are_told_once_and_shown_until_they_can(world: World) -> None:
    world.begin(app_of(), run=60)
    for sentence in ("output is lost: 1 KiB", "output is lost: 2 KiB"):
        world.controller._log_trouble("web", sentence)
    shown = {one.type: one.message for one in world.plan().status.conditions}
    assert shown["LogsDropped"] == "output is lost: 2 KiB"
    world.controller._log_trouble("web", None)
    assert "LogsDropped" not in {one.type for one in world.plan().status.conditions}
    told = Counter(world.reasons("web"))
    assert told["LogsDropped"] == told["LogsRecovered"] == 1


def test_a_watch_that_is_held_is_shown(world: World) -> None:
    world.begin(app_of(), run=60)
    world.manifests.held = "watched files keep changing"
    status = world.plan().status
    assert status.message == "watched files keep changing"
    assert [one.type for one in status.conditions][-1] == "WatchHeld"


def test_a_rise_that_the_host_has_no_room_for_waits_for_a_person(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    world.declare(app_of(instances=90_000), run=60)
    assert world.numbers() == [0, 1]
    assert world.reasons("web").count("LoadHeld") == 1
    world.controller.requests.admit()
    world.run_for(60)
    assert world.numbers() == [0, 1], "there is no more room than before"
    world.declare(app_of(instances=3))
    world.controller.requests.admit(confirm=True)
    world.run_for(60)
    assert world.numbers() == [0, 1, 2]


def test_what_others_keep_in_the_state_directory_is_looked_after(world: World) -> None:
    calls: list[float] = []

    async def look() -> None:
        calls.append(world.clock.now)

    world.begin()
    world.controller.net.upkeep.append(look)
    world.run_for(21)
    assert len(calls) == 4


def test_a_rescan_takes_over_what_nobody_told_of(world: World) -> None:
    world.begin()
    world.manifests.apps["web"] = app_of()  # as on a file system without inotify
    world.run_for(10)
    assert not world.of()
    world.loop.run_until_complete(world.controller.rescan())
    world.loop.run_until_complete(world.controller.looked())
    world.settle()
    assert world.numbers() == [0]


def test_witnesses_that_contradict_each_other_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.begin()
    faults = ["pid 7 carries the tag of web-0, and is in the cgroup of db-0"]
    relist = Processes.relist

    def once(self: Processes, *args: Any, **others: Any) -> Found:
        return relist(self)._replace(faults=(faults.pop(),) if faults else ())

    monkeypatch.setattr(Processes, "relist", once)
    world.run_for(60)
    assert world.messages("WitnessConflict", "")[0].startswith("pid 7 carries the tag of web-0")
    assert Counter(world.reasons(""))["WitnessConflict"] == 1


def test_another_controller_of_these_manifests_is_told_once_and_shown_as_a_problem(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Neighbour(7, 1, "/var/lib/other")

    def look(self: Neighbours, directory: object) -> tuple[Neighbour, ...]:
        before, self.found = self.found, (other,)
        return tuple(one for one in self.found if one not in before)

    monkeypatch.setattr(Neighbours, "look", look)
    world.begin()
    world.run_for(60)
    assert len(world.messages("SharedManifests", "")) == 1
    (problem,) = world.controller.plan().problems
    assert "runs these manifests, too" in problem.message


def test_a_number_that_is_confirmed_with_the_start_is_let_in(world: World) -> None:
    world.begin(app_of(), run=60)
    world.leave()
    world.declare(app_of(instances=90_000))
    world.begin(confirm_load=True)
    assert world.memory().confirmed == 90_000
    world.declare(app_of())
    world.settle()


def test_many_starts_of_one_app_stop_for_an_edit_in_between(world: World) -> None:
    """Of forty starts only those are made that come before the edit is known."""
    world.begin(app_of(instances=40))
    world.loop.call_soon(world.loop.call_soon, lambda: world.declare(app_of(command="b")))
    world.settle()
    world.run_for(60)
    assert world.numbers() == [0] and world.hashes() == [app_of(command="b").hash]
    assert len([one for one in world.host.done if one.what == "start"]) < 40
