"""A journal that is full, locked or gone: apps are run all the same, and it is told once."""

from __future__ import annotations

import shutil
from collections import Counter

from reconciler.model.state.memory import Recall
from tests.diff.simhost import app_of
from tests.loop.simulated.world import World


def test_while_it_is_full_what_crashes_comes_back_and_edits_are_rolled_out(world: World) -> None:
    world.begin(app_of(), run=60)
    world.fill_disk()
    world.crash()
    world.run_for(10)
    assert world.numbers() == [0]
    world.declare(app_of(command="b"), run=60)
    assert world.hashes() == [app_of(command="b").hash]


def test_its_trouble_and_its_recovery_are_told_once_each(world: World) -> None:
    world.begin(app_of(), run=60)
    full = world.fill_disk()
    for _ in range(5):
        world.crash()
        world.run_for(60)
    full.release()
    world.run_for(60)
    told = Counter(world.reasons(""))
    assert told["JournalUnavailable"] == told["JournalRecovered"] == 1


def test_what_happened_meanwhile_is_written_when_it_can_be(world: World) -> None:
    world.begin(app_of(), run=60)
    full = world.fill_disk()
    world.crash()
    world.run_for(60)
    full.release()
    world.run_for(10)
    world.restart(killed=True)
    assert world.memory().restarts == {0: 1}
    assert "Exited" in world.reasons("web")


def test_a_lock_of_another_program_is_waited_out_without_holding_up_anything(world: World) -> None:
    world.begin(app_of(), run=60)
    locked = world.lock_journal()
    world.declare(app_of(command="b"), run=10)
    assert world.hashes() == [app_of(command="b").hash]
    locked.release()
    world.run_for(10)
    world.restart(killed=True)
    assert [one.hash for one in world.memory().revisions][-1] == app_of(command="b").hash


def test_a_journal_that_was_removed_is_written_anew_from_memory(world: World) -> None:
    world.begin(app_of(), run=60)
    world.controller.requests.pause("web")
    world.run_for(1)
    world.paths.database.unlink()
    world.run_for(10)
    world.restart(killed=True)
    assert world.memory().paused
    assert Counter(world.reasons(""))["JournalRenewed"] == 1


def test_without_its_memory_nothing_is_replaced_until_somebody_asks(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    world.leave()
    world.paths.database.write_bytes(b"no journal at all" * 1000)
    world.declare(app_of(instances=2, command="b"))
    world.begin()
    world.run_for(600)
    assert world.hashes() == [app_of().hash] * 2
    assert world.memory().recall is Recall.LOST
    world.crash(number=1)
    world.run_for(30)
    assert world.numbers() == [0, 1], "what crashes comes back"
    assert world.controller.requests.resume("web") == "resumed"
    world.run_for(60)
    assert world.hashes() == [app_of(command="b").hash] * 2


def test_a_state_directory_that_was_removed_is_made_again_and_told(world: World) -> None:
    world.begin(app_of(), run=60)
    key = world.paths.key.read_bytes()
    shutil.rmtree(world.paths.root)
    world.run_for(20)
    assert world.paths.key.read_bytes() == key
    assert Counter(world.reasons(""))["StateRemoved"] == 1
    assert len(world.starts()) == 1
    world.restart(killed=True)
    world.run_for(20)
    assert len(world.starts()) == 1 and world.memory().revisions


def test_what_cannot_be_read_at_first_is_taken_over_when_it_can(world: World) -> None:
    """Until then nothing is replaced, and what crashes comes back, as far as it is known."""
    world.begin(app_of(instances=2), run=60)
    world.controller.requests.pause("web")
    world.leave()
    aside = world.paths.database.with_name("aside")
    world.paths.database.rename(aside)
    world.paths.database.mkdir()
    world.declare(app_of(instances=2, command="b"))
    world.begin()
    world.crash(number=1)
    world.run_for(60)
    assert world.memory().recall is Recall.UNREAD
    assert world.numbers() == [0, 1] and world.hashes()[0] == app_of().hash
    world.paths.database.rmdir()
    aside.rename(world.paths.database)
    world.run_for(30)
    assert world.memory().recall is Recall.WHOLE and world.memory().paused
    assert Counter(world.reasons(""))["JournalRecovered"] == 1
    world.controller.requests.resume("web")
    world.run_for(60)
    assert world.hashes() == [app_of(command="b").hash] * 2
