"""Another controller takes over what runs, as it runs: nothing is started or stopped by that."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff import plan
from reconciler.diff.core.situation import AppSituation
from reconciler.model.state.observed import Exit, RunState
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

KILLED = pytest.mark.parametrize("killed", [False, True], ids=["leaves", "is killed"])


@KILLED
def test_nothing_happens_to_what_runs_and_nothing_is_told_of_it(world: World, killed: bool) -> None:
    world.begin(app_of(instances=3), app_of("db", "db"), run=60)
    before, told = [one.id for one in world.of()], world.reasons("web")
    world.restart(killed=killed, away=30)
    world.run_for(60)
    assert [one.id for one in world.of()] == before and not world.signals()
    assert world.reasons("web") == told
    assert world.messages("ControllerStarted", "")[-1].endswith("took over 4 processes")


@KILLED
def test_what_ended_while_nobody_looked_is_started_again(world: World, killed: bool) -> None:
    world.begin(app_of(instances=2), run=60)
    world.kill() if killed else world.leave()
    world.host.end(world.of()[0].tag.nonce, Exit(1))
    world.begin()
    world.settle()
    assert world.numbers() == [0, 1] and len(world.starts()) == 3


def test_a_start_that_the_journal_never_heard_of_is_known_by_its_tag(world: World) -> None:
    world.begin(app_of())
    world.controller._queue.add("web")
    world.settle()
    world.kill()  # before the journal was committed
    world.begin()
    world.run_for(60)
    assert world.numbers() == [0] and len(world.starts()) == 1
    assert [revision.number for revision in world.memory().revisions] == [1]


def test_a_new_revision_that_the_journal_never_heard_of_is_ready_when_its_own_probe_says_so(
    world: World,
) -> None:
    """Else the last good instance would make way for one that never answers."""
    world.program("b", Program(answers=lambda age: False))
    world.begin(app_of(progressDeadlineSeconds=60), run=60)
    probe = {"exec": {"command": ["check"]}, "periodSeconds": 1}
    world.declare(app_of(command="b", readinessProbe=probe, progressDeadlineSeconds=60))
    world.until(lambda: len(world.of()) == 2)
    world.kill()  # before the journal was committed
    world.begin()
    world.run_for(30)
    assert len(world.of()) == 2 and not world.signals()
    world.run_for(120)
    assert world.hashes() == [app_of().hash] and len(world.signals()) == 1


def test_what_runs_of_an_earlier_revision_is_asked_by_its_command(world: World) -> None:
    """It was not ready yet when its controller was killed, and its manifest was edited since."""
    probe = {"exec": {"command": ["check"]}, "periodSeconds": 1}
    world.program("a", Program(answers=lambda age: age > 20))
    world.program("b", Program(answers=lambda age: False))
    world.begin(app_of(readinessProbe=probe), run=5)
    world.kill()
    world.declare(app_of(command="b", readinessProbe=probe))
    world.begin()
    world.run_for(10)
    assert {one.tag.hash: one.ready for one in world.controller.processes("web")}[
        app_of(readinessProbe=probe).hash
    ] is False
    world.run_for(20)
    assert {one.tag.hash: one.ready for one in world.controller.processes("web")} == {
        app_of(readinessProbe=probe).hash: True,
        app_of(command="b", readinessProbe=probe).hash: False,
    }


def test_what_is_shown_after_a_takeover_is_planned_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = [app_of(name=f"app-{number}") for number in range(5)]
    world.begin(*apps, run=60)
    world.kill()
    judged: list[str] = []

    def noted(at: AppSituation) -> AppSituation:
        judged.append(at.app.name)
        return judge(at)

    judge = plan._judged
    monkeypatch.setattr(plan, "_judged", noted)
    world.begin(run=1)
    shown = world.controller.plan()
    assert [app.status.health for app in shown.apps] == ["Healthy"] * 5
    assert sorted(judged) == sorted(app.name for app in apps)


def test_an_edit_that_was_made_meanwhile_is_rolled_out(world: World) -> None:
    world.begin(app_of(instances=2), run=60)
    world.kill()
    world.declare(app_of(instances=2, command="b"))
    world.begin()
    world.run_for(60)
    assert world.hashes() == [app_of(command="b").hash] * 2


def test_an_app_that_was_removed_meanwhile_is_stopped(world: World) -> None:
    world.begin(app_of(), app_of("db", "db"), run=60)
    world.kill()
    world.manifests.remove("web")
    world.begin()
    world.run_for(60)
    assert not world.of() and world.of("db")
    assert world.reasons("web")[-2:] == ["Stopped", "Pruned"]


def test_a_stop_is_taken_up_with_the_deadline_that_it_had(world: World) -> None:
    world.program("a", Program(stops_after=None))
    world.begin(app_of(terminationGracePeriodSeconds=20), run=60)
    world.manifests.remove("web")
    world.run_for(5)  # the journal knows of the stop
    began = world.signals()[0][1]
    world.restart(killed=True, away=5)
    (process,) = world.controller.processes("web")
    assert process.state is RunState.STOPPING and process.stopping_at == pytest.approx(began)
    world.run_for(60)
    whats = [what for what, _ in world.signals()]
    assert whats == ["signal 15", "signal 15", "signal 9"], "asked again, in case it never heard"
    assert world.signals()[-1][1] == pytest.approx(began + 20, abs=0.1)


def test_a_start_that_a_controller_began_is_ended_and_made_again(world: World) -> None:
    world.program("a", Program(executes_after=None))
    world.begin(app_of(), run=10)
    (one,) = world.of()
    world.program("a", Program())
    world.restart(killed=True)
    world.run_for(60)
    (again,) = world.of()
    assert again.id != one.id and not again.starting
    assert "signal 9" in [what for what, _ in world.signals()]
    (message,) = world.messages("FailedCreate")
    assert "a previous controller began to start it" in message


def test_a_crash_loop_goes_on_where_it_was(world: World) -> None:
    world.program("a", Program(ends_after=0.1))
    world.begin(app_of(), run=100)
    failures, count = world.memory().ended[0].failures, len(world.starts())
    world.restart(away=0)
    world.run_for(1)
    assert world.memory().ended[0].failures == failures
    assert len(world.starts()) == count, "it waits out its backoff"


@KILLED
def test_a_rollout_goes_on_where_it_was(world: World, killed: bool) -> None:
    slow: Any = {"minReadySeconds": 10, "instances": 4}
    world.begin(app_of(**slow), run=60)
    world.declare(app_of(command="b", **slow), run=5)
    begun = world.hashes().count(app_of(command="b").hash)
    assert 0 < begun < 4
    world.restart(killed=killed)
    world.run_for(1)
    assert world.hashes().count(app_of(command="b").hash) == begun
    world.run_for(120)
    assert world.hashes() == [app_of(command="b").hash] * 4 and len(world.starts()) == 8


def test_what_was_lost_as_a_whole_starts_in_order_again(world: World) -> None:
    """As when a container is started anew, and nobody saw the processes end."""
    apps = app_of(dependsOn=["db"]), app_of("db", "db")
    world.begin(*apps, run=60)
    world.kill()
    for one in [*world.host.alive.values()]:
        world.host.end(one.tag.nonce, Exit(signal=9))
    world.program("db", Program(executes_after=20))
    world.begin()
    world.run_for(60)
    assert world.starts("web")[-1] >= world.starts("db")[-1] + 20
