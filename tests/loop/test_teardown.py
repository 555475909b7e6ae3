"""`recon down`, and dependencies: dependents start last and stop first."""

from __future__ import annotations

from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World


def three(world: World) -> None:
    """web depends on api, which depends on db."""
    world.declare(
        app_of("web", "web", dependsOn=["api"]),
        app_of("api", "api", dependsOn=["db"]),
        app_of("db", "db"),
    )


def test_what_is_needed_starts_first_and_ready_is_what_counts(world: World) -> None:
    world.program("db", Program(executes_after=20))
    world.begin()
    three(world)
    world.run_for(120)
    (db,), (api,), (web,) = (world.starts(app) for app in ("db", "api", "web"))
    assert api >= db + 20 and web > api
    assert world.numbers("web") == [0]


def test_a_crash_of_what_is_needed_stops_nothing(world: World) -> None:
    world.begin()
    three(world)
    world.run_for(60)
    world.program("db", Program(executes_after=None))
    world.crash("db")
    world.run_for(60)
    assert world.numbers("api") == [0] and not world.signals("api")


def test_down_stops_dependents_first_and_says_when_all_is_gone(world: World) -> None:
    for name in ("web", "api", "db"):
        world.program(name, Program(stops_after=3))
    world.begin()
    three(world)
    world.run_for(60)
    world.controller.down()
    world.until(world.controller.stopped.is_set)
    ((_, web),), ((_, api),), ((_, db),) = (world.signals(app) for app in ("web", "api", "db"))
    assert web + 3 <= api and api + 3 <= db
    assert not world.host.alive
    world.run_for(600)
    assert not world.host.alive, "nothing is started again"


def test_down_waits_for_what_outlives_its_grace_period(world: World) -> None:
    world.program("web", Program(stops_after=None))
    world.begin(app_of("web", "web", terminationGracePeriodSeconds=40), run=60)
    began = world.clock.now
    world.controller.down()
    world.run_for(30)
    assert not world.controller.stopped.is_set()
    world.until(world.controller.stopped.is_set)
    assert 40 <= world.clock.now - began < 41


def test_down_where_nothing_runs_is_over_at_once(world: World) -> None:
    world.begin()
    world.controller.down()
    assert world.controller.stopped.is_set()


def test_a_controller_that_is_started_to_stop_everything_starts_nothing(world: World) -> None:
    world.begin()
    three(world)
    world.run_for(60)
    world.leave()
    world.begin(down=True)
    world.until(world.controller.stopped.is_set)
    assert not world.host.alive and len(world.starts("web")) == 1


def test_what_was_brought_down_comes_up_again_without_a_backoff(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(), run=200)
    assert world.memory().ended[0].failures > 3
    world.controller.down()
    world.until(world.controller.stopped.is_set)
    world.program("a", Program())
    world.restart()
    world.settle()
    assert world.numbers() == [0]


def test_an_app_that_is_needed_is_not_removed_before_who_needs_it(world: World) -> None:
    world.begin()
    three(world)
    world.run_for(60)
    world.manifests.remove("db")
    world.run_for(60)
    assert world.numbers("db") == [0]
    world.manifests.remove("api", "web")
    world.run_for(60)
    assert not world.host.alive


def test_down_stops_what_is_not_declared_any_more_as_it_was(world: World) -> None:
    """It ran on because something needed it; how it is stopped is remembered."""
    world.begin(app_of(dependsOn=["db"]), app_of("db", "db", stop={"signal": "SIGINT"}), run=60)
    world.manifests.remove("db")
    world.run_for(60)
    assert world.numbers("db") == [0]
    world.controller.down()
    world.until(world.controller.stopped.is_set)
    assert [what for what, _ in world.signals("db")] == ["signal 2"]
