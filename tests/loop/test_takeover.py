"""What ended while no controller ran has ended: by its policy it is started again, or it is not."""

from __future__ import annotations

import pytest

from reconciler.model.state.observed import Exit
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

KILLED = pytest.mark.parametrize("killed", [False, True], ids=["leaves", "is killed"])


def unseen(world: World, killed: bool, exit: Exit, number: int = 0) -> None:
    """One process ends, and the next controller takes over."""
    world.kill() if killed else world.leave()
    world.host.end(next(one.tag.nonce for one in world.of() if one.tag.instance == number), exit)
    world.begin()
    world.run_for(60)


@KILLED
@pytest.mark.parametrize("exit", [Exit(0), Exit(1), Exit(signal=9)], ids=str)
def test_what_is_to_run_once_does_not_run_again(world: World, killed: bool, exit: Exit) -> None:
    world.begin(app_of(restartPolicy="Never", instances=2), run=60)
    unseen(world, killed, exit)
    assert world.numbers() == [1] and len(world.starts()) == 2
    assert world.messages("Exited")[-1].endswith("ended while no controller ran: exit unknown")
    world.restart(killed=killed, away=5)
    world.run_for(60)
    assert world.numbers() == [1] and len(world.starts()) == 2
    assert len(world.messages("Exited")) == 1, "told once"


@KILLED
@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_an_unknown_end_counts_as_a_failure_that_no_ladder_remembers(
    world: World, killed: bool, policy: str
) -> None:
    world.begin(app_of(restartPolicy=policy), run=60)
    unseen(world, killed, Exit(0))
    assert world.numbers() == [0] and len(world.starts()) == 2
    assert not world.memory().ended


def test_an_edit_runs_it_again_and_so_does_a_request(world: World) -> None:
    world.begin(app_of(restartPolicy="Never"), run=60)
    unseen(world, True, Exit(0))
    assert not world.of()
    world.declare(app_of(command="b", restartPolicy="Never"), run=60)
    assert world.hashes() == [app_of(command="b", restartPolicy="Never").hash]
    unseen(world, True, Exit(0))
    assert not world.of()
    world.controller.requests.restart(["web"])
    world.run_for(60)
    assert world.numbers() == [0] and len(world.starts()) == 3
    world.restart(killed=True)
    world.run_for(60)
    assert world.numbers() == [0] and len(world.starts()) == 3


def test_what_was_edited_meanwhile_runs(world: World) -> None:
    world.begin(app_of(restartPolicy="Never"), run=60)
    world.kill()
    world.host.end(world.of()[0].tag.nonce, Exit(0))
    world.manifests.write(app_of(command="b", restartPolicy="Never"))
    world.begin()
    world.run_for(60)
    assert world.hashes() == [app_of(command="b", restartPolicy="Never").hash]


def test_what_was_being_stopped_has_not_ended_for_good(world: World) -> None:
    """It was to be replaced."""
    world.program("a", Program(stops_after=None))
    world.begin(app_of(restartPolicy="Never", strategy={"type": "Recreate"}), run=60)
    world.controller.requests.restart(["web"])
    world.until(world.signals)
    world.run_for(2)  # the journal is written
    unseen(world, True, Exit(0))
    assert world.numbers() == [0] and len(world.starts()) == 2
