"""Limits that are edited are put in force on what runs; what the kernel refuses is told once."""

from __future__ import annotations

from tests.diff.simhost import app_of
from tests.loop.simulated.world import World


def in_force(world: World) -> list[object]:
    return [one.limits.get("nice") for one in world.of()]


def test_a_new_process_has_its_limits_from_the_beginning(world: World) -> None:
    world.begin(app_of(limits={"nice": 5}), run=60)
    assert in_force(world) == [5]
    assert "LimitsAdjusted" not in world.reasons("web")


def test_an_edit_is_put_in_force_without_a_restart(world: World) -> None:
    world.begin(app_of(instances=2, limits={"nice": 5}), run=60)
    world.declare(app_of(instances=2, limits={"nice": 7}), run=0.1)
    assert in_force(world) == [7, 7] and len(world.starts()) == 2
    assert world.reasons("web").count("LimitsAdjusted") == 2
    assert all("limits.nice 5 → 7" in message for message in world.messages("LimitsAdjusted"))


def test_what_the_kernel_refuses_stays_and_is_told_once_an_instance(world: World) -> None:
    world.begin(app_of(instances=2, limits={"nice": 5}), run=60)
    world.host.refused_limits["nice"] = "lowering it needs CAP_SYS_NICE"
    world.declare(app_of(instances=2, limits={"nice": 1}), run=600)
    assert in_force(world) == [5, 5] and len(world.starts()) == 2
    told = world.messages("FailedLimits")
    assert len(told) == 2 and all("stays as it is: lowering it needs" in one for one in told)
    (process, _) = world.controller.processes("web")
    assert process.unadjusted["nice"] == (1, "lowering it needs CAP_SYS_NICE")


def test_a_limit_that_cannot_be_put_in_force_at_birth_is_the_apps_trouble(world: World) -> None:
    world.host.refused_limits["nice"] = "no"
    world.begin(app_of(limits={"nice": -5}), run=10)
    assert not world.of()
    assert "limits.nice cannot be applied: no" in world.messages("FailedCreate")[0]


def test_what_was_changed_by_hand_is_put_right(world: World) -> None:
    world.begin(app_of(limits={"nice": 5}), run=60)
    world.of()[0].limits["nice"] = 19
    world.run_for(60)
    assert in_force(world) == [5]
    assert world.messages("LimitsAdjusted")[0].endswith("limits.nice 19 → 5")


def test_an_old_revision_that_comes_back_in_a_rollout_has_the_limits_of_now(world: World) -> None:
    world.begin(app_of(limits={"nice": 5}, minReadySeconds=30), run=60)
    world.declare(app_of(command="b", limits={"nice": 7}, minReadySeconds=30), run=5)
    assert len(world.messages("LimitsAdjusted")) == 1
    world.crash(number=0)
    world.run_for(1)
    assert len(world.messages("LimitsAdjusted")) == 1, "it has them from the beginning"
    old = [one for one in world.of() if one.tag.hash == app_of().hash]
    assert [one.limits["nice"] for one in old] == [7]


def test_a_limit_that_is_new_is_in_force_at_once(world: World) -> None:
    world.begin(app_of(), run=60)
    world.declare(app_of(limits={"nice": 5}), run=0.1)
    assert in_force(world) == [5] and len(world.starts()) == 1
