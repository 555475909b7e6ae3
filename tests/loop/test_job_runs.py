"""Runs of a Job: each once, tried as often as declared, over crashes of the controller too."""

from __future__ import annotations

import pytest

from reconciler.model.state.builder import builder_name
from reconciler.model.state.memory import Outcome
from reconciler.model.state.observed import Exit
from reconciler.system.exec_errors import SpawnError
from tests.diff.jobhost import built_of, job_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

BUILDER = builder_name("web")
WELL = Program(ends_after=5, exit=Exit(0))
FAILS = Program(ends_after=5, exit=Exit(2))


def outcomes(world: World) -> list[Outcome]:
    return [run.outcome for run in world.memory("report").runs]


def test_a_job_runs_once_and_its_success_is_told_once(world: World) -> None:
    world.program("a", WELL)
    world.begin(job_of(), run=3600)
    assert len(world.starts("report")) == 1 and outcomes(world) == [Outcome.SUCCEEDED]
    assert world.reasons("report") == ["Started", "Exited", "Completed"]


def test_a_run_that_fails_is_tried_again_and_then_has_failed(world: World) -> None:
    world.program("a", FAILS)
    world.begin(job_of(backoffLimit=2), run=3600)
    assert len(world.starts("report")) == 3
    (run,) = world.memory("report").runs
    assert (run.outcome, run.reason) == (Outcome.FAILED, "BackoffLimitExceeded")
    assert run.exit == Exit(2)


def test_a_run_that_cannot_be_started_counts_its_tries_too(world: World) -> None:
    world.program("a", Program(fault=SpawnError("cannot start report-1: no such program", False)))
    world.begin(job_of(backoffLimit=1), run=3600)
    (run,) = world.memory("report").runs
    assert run.outcome is Outcome.FAILED and "no such program" in run.message
    assert not world.starts("report")


def test_an_edit_runs_it_once_more_and_another_controller_does_not(world: World) -> None:
    world.program("a", WELL)
    world.program("b", WELL)
    world.begin(job_of(), run=60)
    world.restart(killed=True)
    world.run_for(600)
    assert len(world.starts("report")) == 1
    world.declare(job_of(command="b"), run=60)
    assert len(world.starts("report")) == 2


def test_a_schedule_is_followed_by_the_wall_clock(world: World) -> None:
    world.program("a", WELL)
    world.begin(job_of(schedule="*/10 * * * *", timeZone="UTC"), run=3600)
    walls = [world.clock.time() - world.clock.now + at for at in world.starts("report")]
    assert len(walls) == 6
    assert all(wall % 600 == pytest.approx(0, abs=0.5) for wall in walls)


def test_a_moment_that_passed_without_a_controller_is_made_up_for_once(world: World) -> None:
    world.program("a", WELL)
    world.begin(job_of(schedule="*/10 * * * *", timeZone="UTC"), run=1300)
    before = len(world.starts("report"))
    world.restart(killed=True, away=3000)
    world.run_for(30)
    assert len(world.starts("report")) == before + 1


def test_a_run_in_the_middle_of_which_the_controller_is_killed_is_the_same_run(
    world: World,
) -> None:
    world.program("a", Program(ends_after=100, exit=Exit(0)))
    world.begin(job_of(), run=50)
    world.restart(killed=True, away=10)
    world.run_for(600)
    assert len(world.starts("report")) == 1 and outcomes(world) == [Outcome.SUCCEEDED]


def test_a_run_that_ended_while_nobody_looked_is_tried_again(world: World) -> None:
    """How it ended is not known, and an unknown end is no success."""
    world.program("a", Program(ends_after=100, exit=Exit(0)))
    world.begin(job_of(), run=50)
    world.restart(killed=True, away=200)
    world.run_for(600)
    assert len(world.starts("report")) == 2 and outcomes(world) == [Outcome.SUCCEEDED]


def test_a_requested_run_has_a_number_of_its_own(world: World) -> None:
    world.program("a", WELL)
    world.begin(job_of(), run=60)
    assert world.controller.requests.run_job("report") == 2
    world.run_for(60)
    assert [run.number for run in world.memory("report").runs] == [1, 2]
    assert [one.instance for one in world.host.done if one.what == "start"] == [1, 2]
    assert world.reasons("report").count("RunRequested") == 1


def test_a_run_that_takes_too_long_is_ended_and_has_failed(world: World) -> None:
    world.begin(job_of(activeDeadlineSeconds=100), run=600)
    (run,) = world.memory("report").runs
    assert (run.outcome, run.reason) == (Outcome.FAILED, "DeadlineExceeded")
    ((what, at),) = world.signals("report")
    assert what == "signal 15" and at - world.starts("report")[0] == pytest.approx(100, abs=1)


def test_a_run_is_not_started_before_it_is_written_down(world: World) -> None:
    """Unwritten, it would run once more after a crash of the controller."""
    world.program("a", WELL)
    world.begin()
    full = world.fill_disk()
    world.declare(job_of(), run=120)
    assert not world.starts("report")
    full.release()
    world.run_for(120)
    assert len(world.starts("report")) == 1


def test_a_build_comes_before_what_it_builds_and_what_is_watched_is_looked_at_then(
    world: World,
) -> None:
    world.program("make", Program(ends_after=30, exit=Exit(0)))
    world.begin(*built_of(), run=120)
    (build,), (start,) = world.starts(BUILDER), world.starts("web")
    assert start >= build + 30
    assert world.manifests.looked_at == ["web"]


def test_recon_restart_builds_again_what_failed_to_build(world: World) -> None:
    world.program("make", Program(ends_after=1, exit=Exit(2)))
    world.begin(*built_of(), run=600)
    failed = len(world.starts(BUILDER))
    assert failed >= 1 and not world.of("web")
    world.program("make", Program(ends_after=1, exit=Exit(0)))
    world.run_for(600)
    assert len(world.starts(BUILDER)) == failed
    world.controller.requests.restart(["web"])
    world.run_for(60)
    assert world.numbers("web") == [0]


def test_what_runs_was_built_also_where_nothing_is_remembered_of_it(world: World) -> None:
    world.program("make", WELL)
    world.begin(*built_of(), run=120)
    world.leave()
    world.paths.database.unlink()
    world.begin()
    world.run_for(600)
    assert len(world.starts(BUILDER)) == 1 and len(world.starts("web")) == 1
