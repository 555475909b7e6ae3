"""A start that fails: the app's trouble climbs the app's ladder, the host's trouble the loop's."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reconciler.model.state.observed import Exit
from reconciler.system.exec_errors import SpawnError
from tests.diff.simhost import app_of
from tests.loop.simulated.host import Program
from tests.loop.simulated.world import World

MISSING = SpawnError("cannot start web-0: no such program", transient=False)
BUSY = SpawnError("cannot start web-0: no more processes just now", transient=True)


def test_what_the_app_is_to_blame_for_is_told_each_time_and_waits_longer(world: World) -> None:
    world.program("a", Program(fault=MISSING))
    world.begin(app_of(), run=20)
    faults = world.messages("FailedCreate")
    assert faults == [str(MISSING)] * len(faults) and 3 <= len(faults) <= 6
    assert not world.starts() and "FailedSync" not in world.reasons()
    assert world.memory().ended[0].fault == str(MISSING)


def test_it_is_started_as_soon_as_it_can_be_when_it_was_edited(world: World) -> None:
    world.program("a", Program(fault=MISSING))
    world.begin(app_of(), run=100)
    world.declare(app_of(command="b"))
    world.settle()
    assert world.hashes() == [app_of(command="b").hash]


def test_the_hosts_trouble_is_told_once_tried_again_and_no_crash_of_the_app(world: World) -> None:
    world.program("a", Program(fault=BUSY))
    world.begin(app_of(), run=120)
    assert world.messages("FailedSync") == [f"{BUSY}; trying again"]
    assert not world.memory().ended and "FailedCreate" not in world.reasons()
    status = world.plan().status
    assert status.message == f"{BUSY}; trying again"
    assert [one.message for one in status.conditions if one.reason == "FailedSync"] == [
        status.message
    ]
    world.program("a", Program())
    world.run_for(20)
    assert len(world.starts()) == 1
    assert "FailedSync" not in [one.reason for one in world.plan().status.conditions]
    assert world.plan().status.message == ""


def test_it_is_told_again_after_it_was_well_in_between(world: World) -> None:
    world.begin(app_of(), run=60)
    world.program("a", Program(fault=BUSY))
    for _ in range(2):
        world.crash()
        world.run_for(30)
        world.program("a", Program())
        world.run_for(30)
        world.program("a", Program(fault=BUSY))
    assert len(world.messages("FailedSync")) == 2


def test_trouble_with_one_app_is_none_for_the_others(world: World) -> None:
    world.program("bad", Program(fault=BUSY))
    world.begin(app_of("bad", "bad"), *(app_of(f"app{n}") for n in range(10)))
    world.settle()
    assert sum(len(world.of(f"app{n}")) for n in range(10)) == 10


def test_a_fault_of_recon_is_logged_once_and_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.program("a", Program(fault=RuntimeError("a fault")))
    world.begin(app_of(), run=10)
    assert world.messages("FailedSync") == ["a fault; trying again"]
    assert [record.message for record in caplog.records] == [
        "web could not be brought to what is declared"
    ]
    world.program("a", Program())
    world.run_for(20)
    assert world.numbers() == [0]


def test_a_start_that_hangs_is_shown_soon_and_killed_after_a_minute(world: World) -> None:
    world.program("a", Program(executes_after=None))
    world.begin(app_of(), run=0.4)
    assert world.controller.processes()[0].unready_reason == ""
    world.run_for(0.2)
    assert "its program has not started yet" in world.controller.processes()[0].unready_reason
    world.run_for(58)
    assert len(world.starts()) == 1 and not world.signals(), "nothing takes its place"
    world.run_for(2)
    ((what, at),) = world.signals()
    assert what == "signal 9" and at == pytest.approx(world.starts()[0] + 60)
    (message,) = world.messages("FailedCreate")
    assert "its program could not start within 60 s" in message
    assert "Exited" not in world.reasons() and "Started" not in world.reasons()


def test_a_start_that_takes_a_while_is_told_when_the_program_runs(world: World) -> None:
    world.program("a", Program(executes_after=3))
    world.begin(app_of(), run=2)
    assert "Started" not in world.reasons()
    world.run_for(2)
    assert world.reasons("web").count("Started") == 1
    (process,) = world.controller.processes("web")
    assert process.ready and process.unready_reason == "" and not process.starting


def test_a_start_that_fails_late_counts_as_one_that_failed_and_not_as_a_crash(world: World) -> None:
    world.program("a", Program(executes_after=1, fault=MISSING))
    world.begin(app_of(), run=30)
    starts = world.starts()
    assert len(world.messages("FailedCreate")) == len(starts) >= 3
    waits = [after - before for before, after in pairwise(starts)]
    assert waits == sorted(waits) and "Exited" not in world.reasons()


def test_a_hosts_trouble_that_shows_late_is_told_once_and_waited_for_longer(world: World) -> None:
    world.program("a", Program(executes_after=0.01, fault=BUSY))
    world.begin(app_of(), run=60)
    assert len(world.messages("FailedSync")) == 1
    starts = world.starts()
    waits = [after - before for before, after in pairwise(starts)]
    assert waits[-1] > 10 and len(starts) < 15


def test_a_start_that_is_given_up_by_an_edit_is_nobodys_fault(world: World) -> None:
    world.program("a", Program(executes_after=None))
    world.begin(app_of(), run=10)
    world.declare(app_of(command="b"), run=90)
    assert world.hashes() == [app_of(command="b").hash]
    assert "FailedCreate" not in world.reasons() and "FailedSync" not in world.reasons()


def test_a_start_that_is_given_up_while_it_is_stopped_has_not_failed(world: World) -> None:
    world.program("a", Program(executes_after=None, stops_after=None))
    world.begin(app_of(terminationGracePeriodSeconds=300), run=10)
    world.declare(app_of(command="b", terminationGracePeriodSeconds=300), run=120)
    assert world.hashes() == [app_of(command="b").hash]
    assert "FailedCreate" not in world.reasons() and not world.memory().ended


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_refusal_that_outlasts_the_deadline_fails_no_revision(
    world: World, is_killed: bool
) -> None:
    world.program("b", Program(fault=BUSY))
    world.begin(app_of(), run=30)
    edited = app_of(command="b", progressDeadlineSeconds=20)
    world.declare(edited, run=100)
    if is_killed:
        world.restart(killed=True, away=100)
        world.run_for(100)
    assert not world.memory().revisions[-1].failed
    assert world.hashes() == [app_of().hash]
    world.program("b", Program())
    world.run_for(60)
    assert world.hashes() == [edited.hash]
    assert "ProgressDeadlineExceeded" not in world.reasons()


def test_after_a_refusal_the_deadline_begins_again(world: World) -> None:
    world.program("b", Program(fault=BUSY))
    world.begin(app_of(), run=30)
    probe = {"tcpSocket": {"port": 4000}, "periodSeconds": 1}
    world.declare(app_of(command="b", progressDeadlineSeconds=20, readinessProbe=probe), run=100)
    world.program("b", Program(answers=lambda age: False))
    world.run_for(30)
    assert not world.memory().revisions[-1].failed
    world.run_for(30)
    assert world.memory().revisions[-1].failed


def test_a_controller_that_comes_after_the_deadline_tries_before_it_judges(world: World) -> None:
    world.program("b", Program(executes_after=None))
    world.begin(app_of(), run=30)
    edited = app_of(command="b", progressDeadlineSeconds=20)
    world.declare(edited, run=1)
    world.host.end(world.of()[-1].tag.nonce, Exit(signal=9))
    world.program("b", Program(executes_after=10))
    world.restart(killed=True, away=100)
    world.run_for(60)
    assert world.hashes() == [edited.hash]
