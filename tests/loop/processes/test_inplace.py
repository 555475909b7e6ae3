"""An edit does to what runs what its fields ask for, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.loop.probing.probing import Probing
from reconciler.loop.processes.inplace import PLANNED, InPlace
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Tag
from reconciler.model.words.fields import Effect, effects
from tests.diff.jobhost import job_of
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

EXEC = {"exec": {"command": ["check"]}, "periodSeconds": 1}


@pytest.fixture
def rows() -> tuple[InPlace, list[str]]:
    """Two rows, and what was called."""
    made, calls = InPlace(), list[str]()
    made.register("logs", apply=lambda app: calls.append("logs"), removed=calls.append)
    made.register("limits", "stop", apply=lambda app: calls.append("limits"))
    return made, calls


def test_a_row_is_applied_where_one_of_its_fields_has_changed(
    rows: tuple[InPlace, list[str]],
) -> None:
    in_place, calls = rows
    in_place.declare("web", app_of())
    assert calls == ["logs", "limits"], "nothing is known of what runs"
    edits: list[tuple[dict[str, Any], list[str]]] = [
        ({"instances": 3}, []),
        ({"limits": {"nice": 1}}, ["limits"]),
        ({"limits": {"nice": 1}}, []),
        ({"limits": {"nice": 1}, "stop": {"signal": "SIGINT"}}, ["limits"]),
        ({"logs": {"timestamps": False}}, ["logs", "limits"]),
    ]
    for spec, expected in edits:
        calls.clear()
        in_place.declare("web", app_of(**spec))
        assert calls == expected, spec


def test_another_revision_is_told_all(rows: tuple[InPlace, list[str]]) -> None:
    in_place, calls = rows
    in_place.declare("web", app_of())
    calls.clear()
    in_place.declare("web", app_of(command="b"))
    assert calls == ["logs", "limits"]


def test_a_job_is_told_of_the_fields_that_it_has(rows: tuple[InPlace, list[str]]) -> None:
    in_place, calls = rows
    in_place.register("sockets", "strategy", apply=lambda app: calls.append("sockets"))
    in_place.declare("report", job_of())
    calls.clear()
    in_place.declare("report", job_of(limits={"nice": 1}))
    assert calls == ["limits"]


def test_one_that_is_removed_is_told_by_name_and_begins_anew(
    rows: tuple[InPlace, list[str]],
) -> None:
    in_place, calls = rows
    in_place.declare("web", app_of())
    calls.clear()
    in_place.declare("web", None)
    assert calls == ["web"] and in_place.applied("web") is None
    in_place.declare("web", app_of())
    assert calls == ["web", "logs", "limits"]


def test_every_field_that_is_applied_in_place_has_a_row_or_is_read_by_plans(world: World) -> None:
    world.begin()
    rows = world.controller._running.in_place.fields
    names = {field.alias or name: name for name, field in AppSpec.model_fields.items()}
    of_the_model = {
        names[one] for one, effect in effects(AppSpec).items() if effect is Effect.IN_PLACE
    }
    assert rows | PLANNED == of_the_model and not rows & PLANNED


def test_another_image_restarts_nothing(world: World) -> None:
    """It is for other engines: what runs here is the program of this host."""
    world.begin(app_of(image="web:1"), run=10)
    before = [process.tag for process in world.of()]
    world.declare(app_of(image="web:2"), run=60)
    assert [process.tag for process in world.of()] == before and len(world.starts()) == 1
    world.declare(app_of(), run=60)
    assert [process.tag for process in world.of()] == before and len(world.starts()) == 1


def test_an_edit_of_anything_else_leaves_the_probes_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.begin(app_of(readinessProbe=EXEC), run=10)
    watched = list[str]()
    watch = Probing.watch

    def noted(self: Probing, process: Any, *others: Any) -> None:
        watched.append(process.name)
        watch(self, process, *others)

    monkeypatch.setattr(Probing, "watch", noted)
    world.declare(app_of(readinessProbe=EXEC, restartPolicy="OnFailure"), run=10)
    assert watched == []
    world.declare(
        app_of(readinessProbe={**EXEC, "periodSeconds": 2}, restartPolicy="OnFailure"), run=10
    )
    assert watched == ["web-0"]


def test_one_that_is_found_later_is_asked_by_its_command(world: World) -> None:
    """Its manifest is known by then. It takes the place of one that waits for its next try."""
    world.program("a", Program(answers=lambda age: True))
    world.begin(app_of(instances=2, readinessProbe=EXEC), run=5)
    one = world.of()[0]
    for _ in range(7):
        world.until(lambda: world.numbers() == [0, 1])
        world.crash(number=1)
    found = Tag(one.tag.store, "web", 1, one.tag.hash, "found")
    world.host.alive["found"] = type(one)(
        found, one.id._replace(pid=one.id.pid + 1), world.clock.now, one.program, False, None
    )
    world.run_for(20)
    ready = {process.tag.nonce: process.ready for process in world.controller.processes("web")}
    assert ready["found"] is True


def test_a_probe_that_is_edited_while_its_program_is_started_counts_as_edited(world: World) -> None:
    world.program("a", Program(executes_after=30, answers=lambda age: False))
    world.begin(app_of(readinessProbe=EXEC), run=10)
    world.declare(app_of(), run=40)
    (process,) = world.controller.processes("web")
    assert process.ready and len(world.starts()) == 1
