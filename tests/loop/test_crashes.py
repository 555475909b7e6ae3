"""A crash is accounted for once, comes back by its ladder, and concerns its own instance only."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reconciler.model.state.event import Event
from reconciler.model.state.observed import Exit
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.journal import Journal
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World


def gaps(world: World) -> list[float]:
    """Seconds between one start and the next."""
    return [after - before for before, after in pairwise(world.starts())]


def test_what_crashes_is_back_at_once_and_nothing_else_is_touched(world: World) -> None:
    world.begin(app_of(instances=3), run=60)
    others = [one.id for one in world.of() if one.tag.instance != 1]
    world.crash(number=1)
    world.settle()
    world.run_for(0)
    world.settle()
    assert world.numbers() == [0, 1, 2] and len(world.starts()) == 4
    assert [one.id for one in world.of() if one.tag.instance != 1] == others
    assert world.memory().restarts == {1: 1}


def test_an_end_is_told_once_and_so_is_the_start_that_follows(world: World) -> None:
    world.begin(app_of(), run=60)
    before = len(world.reasons("web"))
    world.crash(exit=Exit(signal=11))
    world.run_for(600)
    assert world.reasons("web")[before:] == ["Exited", "Started"]
    (message,) = world.messages("Exited")
    assert message.endswith("ended: SIGSEGV (signal 11)")


def test_it_is_back_before_its_end_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin(app_of(), run=60)
    noted: list[tuple[str, int]] = []
    record = Journal.record

    def note(journal: Journal, event: Event) -> RecordedEvent:
        noted.append((event.reason, len(world.starts())))
        return record(journal, event)

    monkeypatch.setattr(Journal, "record", note)
    world.crash(exit=Exit(signal=11))
    world.run_for(1)
    assert noted == [("Exited", 2), ("Started", 2)]


def test_a_program_that_keeps_crashing_is_tried_more_and_more_rarely(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(backoff={"initialSeconds": 1, "maxSeconds": 8}), run=60)
    waits = [gap - 0.1 for gap in gaps(world)]
    assert waits[0] == pytest.approx(0.0, abs=0.05), "the first time it may be an accident"
    for wait, base in zip(waits[1:], (1, 2, 4, 8, 8), strict=False):
        assert 0.8 * base - 0.05 <= wait <= min(1.2 * base, 8) + 0.05
    times = [int(message.split()[1]) for message in world.messages("BackOff")]
    assert times == [*range(2, 2 + len(times))], "each crash once, from the second on"


def test_a_long_run_forgives_what_was_before(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(backoff={"resetSeconds": 100}), run=20)
    assert world.memory().ended[0].failures > 2
    world.program("a", Program(ends_after=101))
    world.until(lambda: world.of() and world.of()[0].program.ends_after == 101)
    count = len(world.starts())
    world.until(lambda: len(world.starts()) > count)
    assert world.memory().ended[0].failures == 1
    assert gaps(world)[-1] == pytest.approx(101, abs=0.05), "it came back at once"


@pytest.mark.parametrize(
    ("policy", "exit", "comes_back"),
    [
        ("Always", Exit(0), True),
        ("OnFailure", Exit(0), False),
        ("OnFailure", Exit(3), True),
        ("Never", Exit(3), False),
    ],
)
def test_the_policy_says_what_comes_back(
    world: World, policy: str, exit: Exit, comes_back: bool
) -> None:
    world.begin(app_of(restartPolicy=policy), run=60)
    world.crash(exit=exit)
    world.run_for(60)
    assert bool(world.of()) is comes_back


def test_an_edit_forgives_a_crash_loop(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(), run=100)
    assert not world.of(), "it waits"
    count = len(world.starts())
    world.declare(app_of(command="b"))
    world.settle()
    assert world.hashes() == [app_of(command="b").hash]
    world.run_for(60)
    assert len(world.of()) == 1 and len(world.starts()) == count + 1


def test_a_stop_that_was_asked_for_is_no_crash(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    world.declare(app_of(instances=1), run=60)
    assert world.numbers() == [0] and not world.memory().ended and not world.memory().restarts
    assert "Stopped" in world.reasons("web") and "Exited" not in world.reasons("web")


def test_a_program_that_puts_itself_in_the_background_has_crashed_and_leaves_nothing(
    world: World,
) -> None:
    world.program("a", Program(ends_after=5, exit=Exit(0), leaves=0))
    world.begin(app_of(restartPolicy="Never"), run=4)
    (one,) = world.of()
    world.run_for(2)
    (message,) = world.messages("LeftBehind")
    assert "running and exited: keep it in the foreground" in message
    assert [what for what, _ in world.signals()] == ["signal 15 to its child"]
    world.run_for(60)
    assert one.tag.nonce not in world.host.left
    assert not world.controller.processes("web")


def test_a_revision_that_crashes_and_was_undone_stays_on_its_ladder(world: World) -> None:
    """It was the declared one when it crashed first, and is an outgoing one when it crashes again:
    the last end counts, and not the first."""
    probe = {"exec": {"command": ["check"]}, "periodSeconds": 5}
    good, bad = (app_of(command=word, readinessProbe=probe) for word in "ab")
    world.program("a", Program(answers=lambda age: age > 9))
    world.program("b", Program(ends_after=0.3))
    world.begin(good, run=60)
    world.declare(bad)
    world.until(lambda: len(world.starts()) == 4, "its third start")
    before = len(world.starts())
    world.declare(good, run=12)
    assert world.hashes() == [good.hash]
    assert len(world.starts()) - before <= 5, gaps(world)
