"""What a program says by itself: a line of output, READY=1, a watchdog."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.observed.probes.search import first_match
from reconciler.system.work.worker import Workers, WorkerTimeout
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

LOG = {"log": "listening on", "periodSeconds": 10}
NOTIFY = {"notify": True, "periodSeconds": 10}


def notify(world: World, **fields: str) -> None:
    """The program of web-0 sends a datagram."""
    world.controller._running._probing._notified(world.of()[0].id.pid, fields)


def ready(world: World) -> bool | None:
    return world.controller.processes("web")[0].ready


def test_a_line_of_output_makes_it_ready_as_soon_as_it_is_written(world: World) -> None:
    world.program("a", Program(says=((5.0, b"starting\nlistening on 80\n"),)))
    world.begin(app_of(readinessProbe=LOG), run=4.9)
    assert ready(world) is False
    assert "no line of its output matches" in world.controller.processes("web")[0].unready_reason
    world.run_for(0.5)
    assert ready(world)


def test_a_line_that_passed_is_known_to_the_next_controller(world: World) -> None:
    world.program("a", Program(says=((5.0, b"listening on 80\n"),)))
    world.begin(app_of(readinessProbe=LOG), run=20)
    world.restart(killed=True)
    world.run_for(20)
    assert ready(world)


def test_a_line_that_is_written_while_no_controller_runs_is_heard_by_the_next(
    world: World,
) -> None:
    world.program("a", Program(says=((5.0, b"listening on 80\n"),)))
    world.begin(app_of(readinessProbe=LOG), run=2)
    world.restart(killed=True, away=10)
    world.run_for(20)
    assert ready(world)


def test_a_notification_makes_it_ready_and_takes_that_back(world: World) -> None:
    world.begin(app_of(readinessProbe=NOTIFY), run=60)
    assert ready(world) is False
    notify(world, READY="1", STATUS="serving")
    world.run_for(0.1)
    assert ready(world) and world.controller.processes("web")[0].status == "serving"
    notify(world, RELOADING="1")
    world.run_for(60)
    assert ready(world) is False


def test_its_word_is_kept_for_the_next_controller(world: World) -> None:
    world.begin(app_of(readinessProbe=NOTIFY), run=5)
    notify(world, READY="1")
    world.run_for(5)
    world.restart(killed=True)
    world.run_for(60)
    assert ready(world)


def test_a_watchdog_that_falls_silent_has_it_replaced(world: World) -> None:
    world.begin(app_of(livenessProbe={**NOTIFY, "failureThreshold": 1}))
    for _ in range(20):
        world.run_for(5)
        notify(world, WATCHDOG="1")
    assert len(world.starts()) == 1
    world.run_for(30)
    assert len(world.starts()) >= 2
    assert world.messages("Unhealthy")[0].startswith("liveness probe failed: no WATCHDOG=1 for ")


def test_a_word_of_a_process_that_is_none_of_ours_has_no_effect(world: World) -> None:
    world.begin(app_of(readinessProbe=NOTIFY), run=5)
    world.controller._running._probing._notified(1, {"READY": "1"})
    world.run_for(60)
    assert ready(world) is False


REGEX = {"log": "listening on [0-9]+$", "periodSeconds": 1}


def test_a_pattern_is_searched_for_by_a_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows how long a pattern takes."""
    asked: list[str] = []

    def call(workers: Workers, task: str, argument: Any, **others: Any) -> asyncio.Future[Any]:
        asked.append(task)
        future = world.loop.create_future()
        future.set_result(first_match(*argument))
        return future

    monkeypatch.setattr(Workers, "call", call)
    world.program(
        "a", Program(says=((5.0, b"listening on nothing\n"), (8.0, b"listening on 80\n")))
    )
    world.begin(app_of(readinessProbe=REGEX), run=7)
    assert ready(world) is False and asked
    world.run_for(3)
    assert ready(world)


def test_a_pattern_that_takes_too_long_is_told_and_tried_rarely(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def call(workers: Workers, task: str, argument: Any, **others: Any) -> asyncio.Future[Any]:
        asked.append(world.clock.now)
        future = world.loop.create_future()
        future.set_exception(WorkerTimeout("no answer within 1 s"))
        return future

    monkeypatch.setattr(Workers, "call", call)
    says = tuple((float(second), b"a line\n") for second in range(1, 100))
    world.program("a", Program(says=says))
    world.begin(app_of(readinessProbe=REGEX), run=101)
    told = world.controller.processes("web")[0].unready_reason
    assert "the pattern 'listening on [0-9]+$' takes too long on its output; simplify it" in told
    assert 9 <= len(asked) <= 11, "a tenth of the time, at one second each"
