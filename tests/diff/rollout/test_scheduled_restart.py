"""`restartSchedule`: a rolling restart at its moments, and none that was missed or comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.state.desired import Desired
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import Sync
from tests.diff.jobhost import JobHost, reasons
from tests.diff.simhost import PROBE, Behaviour, app_of

HOUR = 3600.0
SPEC: dict[str, Any] = {"instances": 3, "readinessProbe": PROBE}


def scheduled(**more: Any) -> Any:
    return app_of(**(SPEC | {"restartSchedule": "0 * * * *"} | more))


def settled(app: Any) -> JobHost:
    host = JobHost({"a": Behaviour(ready_after=2)})
    host.run_for(30, app)
    assert len(host.started) == 3
    host.started.clear()
    return host


def test_each_process_is_replaced_once_at_each_moment_as_by_an_update() -> None:
    """The floor and the ceiling the host asserts at each action."""
    host = settled(scheduled())
    host.run_for(0.9 * HOUR, scheduled())
    assert not host.started
    made = host.run_for(HOUR, scheduled())
    assert len(host.started) == 3
    assert [*reasons(host)].count("RestartRequested") == 1
    assert made.status.sync is Sync.SYNCED
    assert made.status.revision == 1, "a restart is no new revision"
    host.run_for(HOUR, scheduled())
    assert len(host.started) == 6


def test_it_looks_at_the_clock_each_minute_and_at_the_moment_itself() -> None:
    host = settled(scheduled())
    made = host.look(Desired({"web": scheduled()})).apps[0]
    assert made.look_again_at == host.now + 60
    host.advance(HOUR - 30 - 25)
    made = host.look(Desired({"web": scheduled()})).apps[0]
    assert made.look_again_at == pytest.approx(1000 + HOUR)


@pytest.mark.parametrize("away", [350.0, 0.7 * HOUR])
def test_one_that_was_missed_is_left_out(away: float) -> None:
    host = settled(scheduled())
    host.run_for(HOUR - 90, scheduled())
    host.restart_controller(away=60 + away)
    host.run_for(300, scheduled())
    assert not host.started


def test_one_that_is_a_little_late_is_not_left_out() -> None:
    host = settled(scheduled())
    host.run_for(HOUR - 90, scheduled())
    host.restart_controller(away=100)
    host.run_for(300, scheduled())
    assert len(host.started) == 3


def test_a_schedule_that_is_new_edited_or_back_restarts_nothing_at_once() -> None:
    host = settled(scheduled())
    host.run_for(HOUR - 90, scheduled())
    gone = app_of(**SPEC)
    host.run_for(90, gone)  # it is taken away over its moment,
    host.run_for(300, scheduled())  # and is back
    host.run_for(300, scheduled(restartSchedule="0,5 * * * *"))
    host.run_for(300, scheduled(restartSchedule="0,5 * * * *", timeZone="Asia/Tokyo"))
    assert not host.started


@pytest.mark.parametrize("back", [0.3, 100.0, 2 * HOUR])
def test_a_clock_that_is_set_back_restarts_nothing_twice(back: float) -> None:
    host = settled(scheduled(restartSchedule="0 13 * * *"))
    host.run_for(HOUR - 20, scheduled(restartSchedule="0 13 * * *"))
    assert len(host.started) == 3
    host.set_clock(-back)
    host.run_for(back + 60, scheduled(restartSchedule="0 13 * * *"))
    assert len(host.started) == 3


def test_a_suspended_app_is_not_restarted_then_or_when_it_is_resumed() -> None:
    host = settled(scheduled())
    host.run_for(1.2 * HOUR, scheduled(suspend=True))
    host.run_for(60, scheduled())
    assert len(host.started) == 3, "it comes back, and that is all"
    assert "RestartRequested" not in reasons(host)


@pytest.mark.parametrize("policy", ["OnFailure", "Never", "Always"])
@pytest.mark.parametrize("exit", [Exit(0), Exit(1)])
def test_what_has_ended_is_started_again_at_the_moment(policy: str, exit: Exit) -> None:
    app = app_of(instances=2, restartPolicy=policy, restartSchedule="0 * * * *")
    host = JobHost({"a": Behaviour(crash_after=5, exit=exit)})
    host.run_for(HOUR - 90, app)
    host.started.clear()
    host.events.clear()
    host.run_for(93, app)
    assert {process.tag.instance for process in host.started} == {0, 1}
    assert [*reasons(host)].count("RestartRequested") == 1


def test_what_has_ended_and_is_suspended_stays() -> None:
    app = app_of(restartPolicy="OnFailure", restartSchedule="* * * * *")
    host = JobHost({"a": Behaviour(crash_after=5, exit=Exit(0))})
    host.run_for(30, app)
    host.started.clear()
    host.run_for(300, app_of(restartPolicy="OnFailure", restartSchedule="* * * * *", suspend=True))
    assert not host.started and "RestartRequested" not in reasons(host)
