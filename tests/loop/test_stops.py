"""A stop: the signal, the grace period, SIGKILL; and nothing takes the place of what still runs."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.state.observed import RunState
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

STUBBORN = Program(stops_after=None)


def test_what_outlives_its_grace_period_is_killed_and_told_once(world: World) -> None:
    world.program("a", STUBBORN)
    world.begin(app_of(terminationGracePeriodSeconds=20), run=60)
    world.manifests.remove("web")
    world.run_for(60)
    (_, asked), (_, killed) = world.signals()
    assert [what for what, _ in world.signals()] == ["signal 15", "signal 9"]
    assert killed - asked == pytest.approx(20)
    assert world.reasons("web")[-3:] == ["Killing", "Stopped", "Pruned"]
    (message,) = world.messages("Stopped")
    assert message.endswith("ended: SIGKILL (signal 9)")


def test_the_signal_is_the_manifests(world: World) -> None:
    world.begin(app_of(stop={"signal": "SIGINT"}), run=60)
    world.manifests.remove("web")
    world.run_for(60)
    assert [what for what, _ in world.signals()] == ["signal 2"]


def test_under_recreate_nothing_starts_before_the_last_old_one_is_gone(world: World) -> None:
    world.program("a", Program(stops_after=15))
    world.begin()
    recreate: Any = {"strategy": {"type": "Recreate"}, "instances": 2}
    world.declare(app_of(**recreate), run=60)
    world.declare(app_of(command="b", **recreate), run=14)
    assert world.hashes() == [app_of().hash] * 2
    world.run_for(20)
    assert world.hashes() == [app_of(command="b").hash] * 2
    assert min(world.starts()[2:]) - world.signals()[0][1] == pytest.approx(15, abs=0.1)


def test_a_number_is_not_used_again_before_its_process_is_gone(world: World) -> None:
    world.program("a", STUBBORN)
    world.begin(app_of(instances=2, terminationGracePeriodSeconds=20), run=60)
    world.declare(app_of(instances=1, terminationGracePeriodSeconds=20), run=5)
    world.declare(app_of(instances=2, terminationGracePeriodSeconds=20), run=5)
    assert world.numbers() == [0, 1] and len(world.starts()) == 2
    world.run_for(30)
    assert world.numbers() == [0, 1] and len(world.starts()) == 3
    assert world.starts()[2] == pytest.approx(world.signals()[-1][1], abs=0.1)


def test_a_grace_period_that_is_edited_holds_for_a_stop_that_is_under_way(world: World) -> None:
    world.program("a", STUBBORN)
    world.begin(app_of(instances=2, terminationGracePeriodSeconds=300), run=60)
    world.declare(app_of(instances=1, terminationGracePeriodSeconds=300), run=10)
    world.declare(app_of(instances=1, terminationGracePeriodSeconds=15), run=60)
    (_, asked), (_, killed) = world.signals()
    assert killed - asked == pytest.approx(15)


def test_what_is_left_behind_by_a_stop_is_stopped_too_before_a_new_one_starts(world: World) -> None:
    world.program("a", Program(leaves=5))
    world.begin()
    recreate: Any = {"strategy": {"type": "Recreate"}}
    world.declare(app_of(**recreate), run=60)
    world.declare(app_of(command="b", **recreate), run=60)
    assert [what for what, _ in world.signals()] == ["signal 15", "signal 15 to its child"]
    assert world.hashes() == [app_of(command="b").hash]
    assert world.starts()[-1] == pytest.approx(world.signals()[-1][1] + 5, abs=0.1)


def test_what_a_crash_leaves_behind_is_shown_and_stopped_before_a_new_one_starts(
    world: World,
) -> None:
    world.program("a", Program(leaves=5))
    world.begin(app_of(), run=60)
    world.program("a", Program())
    world.crash()
    world.run_for(4)
    (process,) = world.controller.processes("web")
    assert process.remnant.startswith("waiting for its remaining processes to end: pid ")
    assert process.state is RunState.STOPPING and not world.of()
    world.run_for(2)
    (process,) = world.controller.processes("web")
    assert not process.remnant and world.numbers() == [0]
