"""Who answers at a port that is probed while an old and a new process overlap."""

from __future__ import annotations

from typing import Any

from reconciler.model.state.memory import Failure
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

A, B = (app_of(command=command).hash for command in "ab")
PORT: Any = {"readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1}}


def told(world: World, hash: str) -> str:
    return next(
        one.unready_reason for one in world.controller.processes("web") if one.tag.hash == hash
    )


def test_what_an_old_process_answers_makes_no_new_one_ready(world: World) -> None:
    surge = {"strategy": {"maxSurge": 1, "maxUnavailable": 0}, **PORT}
    world.begin(app_of(**surge), run=60)
    old = world.of()[0]
    world.declare(app_of(command="b", **surge), run=1)
    assert {*world.hashes()} == {A, B}
    assert f"port 8000 is held by web-0 (pid {old.id.pid})" in told(world, B)
    world.run_for(60)
    assert world.hashes() == [A]
    assert world.memory().given_up[2].reason is Failure.PORT
    assert world.reasons("web").count("PortConflict") == 1, world.reasons("web")


def test_it_is_ready_by_its_own_answer_once_the_old_one_is_gone(world: World) -> None:
    world.program("a", Program(stops_after=10))
    down = {"strategy": {"maxSurge": 0, "maxUnavailable": 1}, **PORT}
    world.begin(app_of(**down), run=60)
    world.declare(app_of(command="b", **down), run=60)
    assert world.hashes() == [B]
    (process,) = world.controller.processes("web")
    assert process.ready and not process.unready_reason
    assert not world.controller._running.observed("web").ports


def test_a_process_of_an_app_that_was_renamed_counts_as_an_old_one(world: World) -> None:
    world.program("a", Program(stops_after=20))
    world.begin(app_of("site", **PORT), run=60)
    world.manifests.remove("site")
    world.declare(app_of("web", "b", **PORT), run=10)
    assert "port 8000 is held by site-0" in told(world, B)
    world.run_for(30)
    assert world.controller.processes("web")[0].ready


def test_it_does_also_where_somebody_was_probed_just_before_the_rename(world: World) -> None:
    world.program("a", Program(stops_after=20))
    world.begin(app_of("site", **PORT))
    world.until(lambda: world.of("site"), "site runs")
    world.until(lambda: world.controller.processes("site")[0].ready, "it was probed")
    world.manifests.remove("site")
    world.declare(app_of("web", "b", **PORT), run=5)
    assert "port 8000 is held by site-0" in told(world, B)


def test_a_port_of_another_app_that_is_asked_by_design_counts(world: World) -> None:
    """The probe says that web is ready when db is."""
    world.begin(app_of("db", "db", **PORT), app_of("web", "quiet", **PORT))
    world.program("quiet", Program(answers=lambda age: False))
    world.run_for(60)
    assert all(one.ready for one in world.controller.processes())


def test_one_that_ends_because_its_port_is_held_is_told_so(world: World) -> None:
    """As a program that cannot bind: it ends before it is ready."""
    world.program("b", Program(ends_after=0.02))
    surge = {"strategy": {"maxSurge": 1, "maxUnavailable": 0}, **PORT}
    world.begin(app_of(**surge), run=60)
    world.declare(app_of(command="b", **surge), run=1)
    (held,) = world.controller._running.observed("web").ports
    assert (held.port, held.holder.hash, held.probed.hash) == (8000, A, B)
