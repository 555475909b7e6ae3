"""The numbers are those of the controller, and gathering them holds it for a moment only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.api.metrics import facts
from reconciler.api.metrics.facts import Facts
from reconciler.api.server import turn
from reconciler.loop.processes.ends import end_reason
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.model.state.tally import EXITS
from tests.api.metrics.pages import Key, key, page
from tests.diff.simhost import app_of
from tests.loop.conftest import world
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

__all__ = ["world"]


def gathered(world: World) -> list[dict[str, Any]]:
    found = world.loop.run_until_complete(Facts(world.controller).lines())
    return [json.loads(line) for line in found]


def samples(world: World) -> dict[Key, float]:
    return page(*gathered(world))


def test_a_crash_is_counted_by_its_reason_and_its_restart_survives_the_controller(
    world: World,
) -> None:
    world.begin()
    world.declare(app_of(instances=2))
    world.run_for(60)
    world.crash(number=1, exit=Exit(signal=11))
    world.run_for(60)
    exits, restarts = "recon_app_exits_total", "recon_instance_restarts_total"
    found = samples(world)
    assert found[key(exits, app="web", reason="Signal")] == 1
    assert found[key(restarts, app="web", name="web-1")] == 1
    assert found[key("recon_app_instances_ready", app="web")] == 2
    world.restart()
    world.run_for(1)
    found = samples(world)
    assert found[key(restarts, app="web", name="web-1")] == 1
    assert found[key(exits, app="web", reason="Signal")] == 0


def test_a_crash_loop_is_seen_as_one(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin()
    world.declare(app_of())
    world.run_for(120)
    found = samples(world)
    assert found[key("recon_app_health_status", app="web", status="Degraded")] == 1
    assert found[key("recon_instance_restarts_total", app="web", name="web-0")] > 3
    assert found[key("recon_reconcile_duration_seconds_count")] > 3
    assert found[key("recon_events_total", reason="BackOff", type="Warning")] > 3


def test_what_is_scaled_down_has_stopped_and_not_crashed(world: World) -> None:
    world.begin()
    world.declare(app_of(instances=2))
    world.run_for(60)
    world.declare(app_of(instances=1))
    world.run_for(60)
    found = samples(world)
    assert found[key("recon_app_exits_total", app="web", reason="Stopped")] == 1
    instances = {
        dict(labels)["name"]
        for name, labels in found
        if name.endswith("_ready") and dict(labels).get("name")
    }
    assert instances == {"web-0"}


def test_a_journal_that_cannot_be_written_is_seen_and_so_is_its_recovery(world: World) -> None:
    world.begin()
    world.declare(app_of())
    world.run_for(60)
    full = world.fill_disk()
    world.crash()
    world.run_for(60)
    assert samples(world)[key("recon_journal_status", status="unwritable")] == 1
    full.release()
    world.run_for(60)
    assert samples(world)[key("recon_journal_status", status="ok")] == 1


def test_events_of_a_flood_are_counted_though_they_are_not_told(world: World) -> None:
    world.begin()
    for _ in range(30):
        world.controller.history.record(Event("web", "Unhealthy", "it is slow", "Warning", 0))
    found = samples(world)
    assert found[key("recon_events_total", reason="Unhealthy", type="Warning")] == 20
    assert found[key("recon_events_left_out_total")] == 10


@pytest.mark.parametrize(
    ("exit", "changes", "reason"),
    [
        (Exit(0), {}, "Completed"),
        (Exit(1), {}, "Error"),
        (Exit(signal=11), {}, "Signal"),
        (Exit(), {}, "Unknown"),
        (Exit(signal=9, reason="OOMKilled", detail="memory"), {}, "OOMKilled"),
        (Exit(0, reason="LeftBehind", detail="a child"), {}, "LeftBehind"),
        (Exit(signal=9), {"state": RunState.STOPPING}, "Stopped"),
        (Exit(1), {"state": RunState.STOPPING, "failed": "liveness probe failed"}, "Unhealthy"),
        (Exit(1), {"state": RunState.STOPPING, "outgrown": "uses 310Mi"}, "Outgrown"),
    ],
)
def test_an_end_has_one_reason_of_few(exit: Exit, changes: dict[str, Any], reason: str) -> None:
    process = Process(Tag("s", "web", 0, "h", "n"), ProcessId(7, 7), 0.0, **changes)
    assert end_reason(process, exit) == reason and reason in EXITS


def test_a_removed_app_takes_its_numbers_with_it(world: World) -> None:
    world.begin()
    world.declare(app_of())
    world.run_for(60)
    assert world.controller.tally.of("web").exits == {}
    world.manifests.remove("web")
    world.run_for(600)
    assert "web" not in world.controller.tally._apps
    assert all("app" not in row for row in gathered(world))


def test_the_loop_goes_on_while_numbers_are_gathered(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(turn, "SLICE", 0.0)
    monkeypatch.setattr(facts, "_AT_ONCE", 1)
    world.begin()
    world.declare(app_of(name="one", instances=3), app_of(name="two", instances=2))
    world.run_for(60)

    async def count() -> int:
        gathering, turns = asyncio.ensure_future(Facts(world.controller).lines()), 0
        while not gathering.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert world.loop.run_until_complete(count()) > 5, "a turn for each instance"


def test_what_is_asked_twice_at_once_is_gathered_once(world: World) -> None:
    world.begin()
    world.declare(app_of())
    world.run_for(60)
    both = Facts(world.controller)
    first = world.loop.run_until_complete(both.lines())
    assert world.loop.run_until_complete(both.lines()) is first
