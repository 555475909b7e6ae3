"""An edit is rolled out as its strategy says, also one that comes while another is under way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

A, B, C = (app_of(command=command).hash for command in "abc")
SLOW: Any = {"instances": 4, "minReadySeconds": 10}


def test_an_edit_replaces_all_and_each_step_is_told_once(world: World) -> None:
    world.begin(app_of(instances=3), run=60)
    told = len(world.reasons("web"))
    world.declare(app_of(command="b", instances=3), run=60)
    assert world.hashes() == [B] * 3
    assert Counter(world.reasons("web")[told:]) == {
        "Started": 3,
        "Killing": 3,
        "Stopped": 3,
        "RolloutComplete": 1,
    }


def test_available_instances_never_fall_below_what_the_strategy_allows(world: World) -> None:
    strategy = {"maxSurge": 1, "maxUnavailable": 0}
    world.begin(app_of(strategy=strategy, **SLOW), run=60)
    world.declare(app_of(command="b", strategy=strategy, **SLOW))
    least = most = 4

    def done() -> bool:
        nonlocal least, most
        ready = [p for p in world.controller.processes("web") if p.stopping_at is None]
        settled = [p for p in ready if world.clock.now - p.started_at >= 10]
        least, most = min(least, len(settled)), max(most, len(world.of()))
        return world.hashes() == [B] * 4

    world.until(done)
    assert (least, most) == (4, 5)


def test_an_edit_in_the_middle_of_a_rollout_is_the_one_that_is_rolled_out(world: World) -> None:
    world.begin(app_of(**SLOW), run=60)
    world.declare(app_of(command="b", **SLOW), run=5)
    assert {*world.hashes()} == {A, B}
    world.declare(app_of(command="c", **SLOW), run=120)
    assert world.hashes() == [C] * 4
    assert [one.hash for one in world.memory().revisions] == [A, B, C]
    assert world.reasons("web").count("RolloutComplete") == 2, "B never was"


def test_an_edit_that_is_taken_back_keeps_what_still_runs_of_the_first(world: World) -> None:
    world.begin(app_of(**SLOW), run=60)
    first = {one.id for one in world.of()}
    world.declare(app_of(command="b", **SLOW), run=5)
    kept = {one.id for one in world.of() if one.tag.hash == A}
    assert kept and kept < first
    world.declare(app_of(**SLOW), run=120)
    assert world.hashes() == [A] * 4
    assert kept <= {one.id for one in world.of()}


def test_a_revision_that_crashes_at_once_replaces_no_good_process(world: World) -> None:
    world.program("b", Program(ends_after=0.1))
    strategy = {"maxUnavailable": 0}
    world.begin(app_of(instances=2, strategy=strategy), run=60)
    world.declare(app_of(command="b", instances=2, strategy=strategy), run=60)
    assert world.hashes().count(A) == 2
    world.run_for(1200)
    assert world.hashes() == [A, A]
    assert world.messages("ProgressDeadlineExceeded")
    assert world.reasons("web").count("ProgressDeadlineExceeded") == 1


def test_an_old_instance_that_crashes_in_a_rollout_comes_back_as_it_was(world: World) -> None:
    world.begin(app_of(**SLOW), run=60)
    world.declare(app_of(command="b", **SLOW), run=5)
    number = next(one.tag.instance for one in world.of() if one.tag.hash == A)
    world.crash(number=number)
    world.run_for(0.1)
    assert A in [one.tag.hash for one in world.of() if one.tag.instance == number]
    world.run_for(120)
    assert world.hashes() == [B] * 4


def test_a_rename_stops_the_old_one_and_starts_the_new_one(world: World) -> None:
    world.begin(app_of("web"), run=60)
    world.declare(app_of("site"))
    world.manifests.remove("web")
    world.run_for(60)
    assert world.numbers("site") == [0] and not world.of("web")
    assert world.reasons("web")[-1] == "Pruned"
    assert "web" not in world.controller.history.memories


@pytest.mark.parametrize("count", [0, 1, 5])
def test_another_count_starts_or_stops_the_difference_only(world: World, count: int) -> None:
    world.begin(app_of(instances=3), run=60)
    before = {one.id for one in world.of()}
    world.declare(app_of(instances=count), run=60)
    now = {one.id for one in world.of()}
    assert world.numbers() == [*range(count)] and (now <= before or before <= now)


def test_an_app_that_is_about_to_be_known_better_is_left_alone_until_then(world: World) -> None:
    world.begin()
    world.manifests.awaited.add("web")
    world.declare(app_of())
    world.settle()
    assert not world.of()
    world.manifests.awaited.clear()
    world.declare(app_of(command="b"))
    world.settle()
    assert world.hashes() == [B]


def test_recon_restart_replaces_all_without_an_edit(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    before = {one.id for one in world.of()}
    world.controller.requests.restart(["web"])
    world.run_for(60)
    assert world.hashes() == [A, A] and not before & {one.id for one in world.of()}
    assert world.reasons("web").count("RestartRequested") == 1
    world.run_for(600)
    assert len(world.starts()) == 4


def test_recon_restart_tries_a_revision_again_that_was_given_up(world: World) -> None:
    world.program("b", Program(ends_after=0.1))
    world.begin(app_of(progressDeadlineSeconds=30), run=60)
    world.declare(app_of(command="b", progressDeadlineSeconds=30), run=600)
    assert world.hashes() == [A] and world.memory().revisions[-1].failed
    world.program("b", Program())
    world.controller.requests.restart(["web"])
    world.run_for(60)
    assert world.hashes() == [B]
