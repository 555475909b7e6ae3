"""What is held stays as it is: a paused rollout, a canary, a suspended app."""

from __future__ import annotations

from typing import Any

from reconciler.model.state.observed import Exit
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

A, B = (app_of(command=command).hash for command in "ab")
SLOW: Any = {"instances": 4, "minReadySeconds": 10}


def paused(world: World) -> None:
    """In the middle of a rollout from a to b."""
    world.begin(app_of(**SLOW), run=60)
    world.declare(app_of(command="b", **SLOW), run=5)
    world.controller.requests.pause("web")
    world.run_for(5)


def canary(world: World, run: float) -> None:
    """So many seconds after an edit that one instance of four has to prove for 300 s."""
    canary: Any = {"instances": 4, "strategy": {"canary": {"instances": 1, "seconds": 300}}}
    world.begin(app_of(**canary), run=60)
    world.declare(app_of(command="b", **canary), run=run)


def test_a_rollout_that_is_paused_goes_no_further_until_it_is_resumed(world: World) -> None:
    paused(world)
    held = world.hashes()
    assert {*held} == {A, B}
    world.run_for(3600)
    assert world.hashes() == held
    assert world.controller.requests.resume("web") == "resumed"
    world.run_for(120)
    assert world.hashes() == [B] * 4
    told = world.reasons("web")
    assert told.count("DeploymentPaused") == told.count("DeploymentResumed") == 1


def test_what_crashes_meanwhile_comes_back_as_it_was(world: World) -> None:
    paused(world)
    held = world.hashes()
    for number in (0, 3):
        world.crash(number=number)
        world.run_for(30)
    assert world.hashes() == held


def test_a_pause_outlives_the_controller(world: World) -> None:
    paused(world)
    held = world.hashes()
    world.restart(killed=True)
    world.run_for(600)
    assert world.hashes() == held
    world.controller.requests.resume("web")
    world.run_for(120)
    assert world.hashes() == [B] * 4


def test_nothing_is_resumed_that_is_not_held(world: World) -> None:
    world.begin(app_of(), run=60)
    told = world.reasons("web")
    assert (
        world.controller.requests.resume("web") is None
        and world.controller.requests.resume("nobody") is None
    )
    assert world.reasons("web") == told


def test_a_canary_waits_and_is_promoted_on_request(world: World) -> None:
    canary(world, run=100)
    assert world.hashes().count(B) == 1
    assert world.controller.requests.resume("web") == "promoted"
    world.run_for(60)
    assert world.hashes() == [B] * 4 and "CanaryPromoted" in world.reasons("web")


def test_a_canary_that_proves_itself_is_followed_by_the_others(world: World) -> None:
    canary(world, run=299)
    assert world.hashes().count(B) == 1
    world.run_for(60)
    assert world.hashes() == [B] * 4


def test_a_canary_that_crashes_is_given_up_and_the_others_never_see_its_revision(
    world: World,
) -> None:
    world.program("b", Program(ends_after=20))
    canary(world, run=900)
    assert world.hashes() == [A] * 4 and world.memory().revisions[-1].failed


def test_a_suspended_app_is_stopped_and_comes_back_as_declared(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    world.declare(app_of(instances=2, suspend=True), run=60)
    assert not world.of() and "Pruned" not in world.reasons("web")
    world.declare(app_of(instances=2, suspend=False), run=60)
    assert world.hashes() == [A, A]


def test_what_is_suspended_while_it_waits_for_its_backoff_is_not_started(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(), run=30)
    world.declare(app_of(suspend=True), run=1)
    count = len(world.starts())
    world.run_for(600)
    assert len(world.starts()) == count


def test_what_crashed_before_in_the_place_of_what_runs_does_not_come_back(world: World) -> None:
    world.program("b", Program(ends_after=0.1))
    world.begin(app_of(**SLOW), run=60)
    world.declare(app_of(command="b", **SLOW), run=5)
    world.declare(app_of(**SLOW), run=60)
    assert world.hashes() == [A] * 4
    world.declare(app_of(command="c", **SLOW))
    world.controller.requests.pause("web")
    world.run_for(5)
    world.kill()
    world.host.end(world.of()[0].tag.nonce, Exit(1))  # and nobody saw it
    world.begin()
    world.run_for(60)
    assert world.hashes() == [A] * 4
