"""Who changed what: edits of manifests become events, once, with what was edited."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.state.event import Actor, Event
from tests.diff.simhost import app_of
from tests.loop.simulated.world import World


def edits(world: World) -> list[tuple[str, str]]:
    world.run_for(1)
    found = world.controller.history.events(limit=1000)
    return [(e.event.app, e.event.message) for e in found if e.event.reason == "ManifestChanged"]


def test_what_is_loaded_first_is_no_edit(world: World) -> None:
    world.declare(app_of(), app_of("db"))
    world.begin()
    assert edits(world) == []
    world.restart()
    assert edits(world) == []


def test_an_edit_is_told_with_its_fields_and_a_removal_as_well(world: World) -> None:
    world.declare(app_of())
    world.begin()
    world.declare(app_of(instances=2, env={"A": "1"}))
    ((name, message),) = edits(world)
    assert name == "web" and message.endswith("was edited: env.A, instances")
    world.declare(app_of(instances=2, env={"A": "1"}), app_of("db"))
    assert edits(world)[1][0] == "db" and edits(world)[1][1].endswith("declares it")
    world.manifests.remove("db")
    world.run_for(5)
    assert ("db", "the manifest no longer declares it") in edits(world)


def test_what_other_files_say_is_no_edit_of_the_manifest(world: World) -> None:
    world.declare(app_of())
    world.begin()
    world.declare(replace(app_of(), hash="0" * 12 + ".-"))
    assert edits(world) == []


def test_an_edit_that_is_taken_back_at_once_is_none(world: World) -> None:
    world.declare(app_of())
    world.begin()
    world.declare(app_of(instances=3))
    world.declare(app_of())
    assert edits(world) == []


def test_an_edit_of_very_many_apps_is_told_in_bounds(world: World) -> None:
    world.declare(*(app_of(f"app-{n}", suspend=True) for n in range(60)))
    world.begin()
    world.declare(*(app_of(f"app-{n}", suspend=True, env={"A": "2"}) for n in range(60)))
    found = edits(world)
    assert len(found) == 51 and found[-1] == ("", "10 more apps were changed by the same edit")


def test_each_request_says_who_asked_and_what_follows_does_not(world: World) -> None:
    by = Actor("restart", 1000, "alice")
    world.declare(app_of())
    world.begin()
    world.run_for(5)
    requests = world.controller.requests
    requests.restart(["web"], by)
    requests.pause("web", by)
    requests.resume("web", by)
    requests.applied(by, "removals")
    world.run_for(5)
    events = [one.event for one in world.controller.history.events(limit=1000)]
    asked = [event for event in events if event.by is not None]
    assert asked == [
        Event("web", "RestartRequested", "restart requested", by=by),
        Event("web", "DeploymentPaused", "the rollout is paused", by=by),
        Event("web", "DeploymentResumed", "the rollout goes on", by=by),
        Event("", "ApplyRequested", asked[-1].message, by=by),
    ]
    assert asked[-1].message == "the manifests are read again; removals that wait are confirmed"
    world.controller.down(by)
    world.run_for(5)
    assert world.controller.history.events()[-1].event.reason in ("Stopped", "DownRequested")
