"""Probes: an answer that comes and goes is told as it changes; one that stays away has a result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World


def probe(**fields: Any) -> dict[str, Any]:
    return {"exec": {"command": ["check"]}, "periodSeconds": 1, **fields}


def test_an_instance_is_ready_when_its_probe_says_so(world: World) -> None:
    world.program("a", Program(answers=lambda age: age > 20))
    world.begin(app_of(readinessProbe=probe()), run=19)
    (process,) = world.controller.processes("web")
    assert (
        not process.ready and process.unready_reason == "readiness probe failed: check ended with 1"
    )
    assert "Unhealthy" not in world.reasons(), "it is only starting"
    world.run_for(3)
    (process,) = world.controller.processes("web")
    assert process.ready and process.unready_reason == ""


def test_readiness_that_flaps_is_told_each_time_it_is_lost_and_restarts_nothing(
    world: World,
) -> None:
    world.program("a", Program(answers=lambda age: age % 60 < 30))
    world.begin(app_of(readinessProbe=probe(failureThreshold=3)), run=300)
    assert len(world.messages("Unhealthy")) == 5 and len(world.starts()) == 1


def test_a_single_failure_in_between_changes_nothing(world: World) -> None:
    world.program("a", Program(answers=lambda age: int(age) % 10 != 9))
    world.begin(app_of(readinessProbe=probe(), livenessProbe=probe()), run=300)
    assert "Unhealthy" not in world.reasons() and len(world.starts()) == 1


def test_one_that_fails_its_liveness_is_replaced_and_that_is_a_crash(world: World) -> None:
    world.program("a", Program(answers=lambda age: age < 60))
    world.begin(app_of(livenessProbe=probe(failureThreshold=3)), run=80)
    assert len(world.starts()) == 2
    assert world.messages("Unhealthy") == ["liveness probe failed: check ended with 1"]
    assert world.memory().restarts == {0: 1}
    assert "liveness probe failed" in world.memory().ended[0].fault


def test_liveness_that_keeps_failing_climbs_the_ladder(world: World) -> None:
    world.program("a", Program(answers=lambda age: False))
    world.begin(app_of(livenessProbe=probe(failureThreshold=2)), run=200)
    assert world.memory().ended[0].failures >= 4
    assert len(world.messages("BackOff")) == world.memory().ended[0].failures - 1


def test_nothing_else_is_asked_until_it_has_started_up(world: World) -> None:
    world.program("a", Program(answers=lambda age: age > 40))
    world.begin(
        app_of(startupProbe=probe(failureThreshold=60), livenessProbe=probe(failureThreshold=1)),
        run=39,
    )
    assert len(world.starts()) == 1 and not world.controller.processes()[0].ready
    world.run_for(60)
    assert len(world.starts()) == 1 and world.controller.processes()[0].ready


def test_one_that_never_starts_up_is_replaced_when_its_time_is_over(world: World) -> None:
    world.program("a", Program(answers=lambda age: False))
    world.begin(app_of(startupProbe=probe(failureThreshold=30)), run=29)
    assert not world.signals()
    world.run_for(4)
    ((_, at),) = world.signals()
    assert at - world.starts()[0] == pytest.approx(30, abs=2)
    assert world.messages("Unhealthy")[0].startswith("startup probe failed")


@pytest.mark.parametrize("killed", [False, True])
def test_one_that_was_ready_is_ready_for_the_next_controller_at_once(
    world: World, killed: bool
) -> None:
    world.begin(app_of(readinessProbe=probe(periodSeconds=300)), run=20)
    world.restart(killed=killed)
    world.settle()
    assert world.controller.processes()[0].ready is True


def test_a_probe_that_is_edited_counts_at_once_and_restarts_nothing(world: World) -> None:
    world.program("a", Program(answers=lambda age: False))
    world.begin(app_of(readinessProbe=probe(), minReadySeconds=0), run=60)
    assert not world.controller.processes()[0].ready
    world.declare(app_of(minReadySeconds=0), run=1)
    assert world.controller.processes()[0].ready and len(world.starts()) == 1


def test_an_update_goes_no_further_than_what_becomes_ready(world: World) -> None:
    world.program("b", Program(answers=lambda age: False))
    spec: Any = {"instances": 2, "readinessProbe": probe(), "strategy": {"maxUnavailable": 0}}
    world.begin(app_of(**spec), run=60)
    world.declare(app_of(command="b", **spec), run=300)
    assert sorted(world.hashes()).count(app_of().hash) == 2


def test_nothing_is_asked_of_what_is_being_stopped(world: World) -> None:
    asked: list[float] = []

    def answers(age: float) -> bool:
        asked.append(world.clock.now)
        return True

    world.program("a", Program(answers=answers, stops_after=25))
    world.begin(app_of(readinessProbe=probe()), run=60)
    world.manifests.remove("web")
    world.run_for(60)
    ((_, at),) = world.signals()
    assert asked and max(asked) <= at
