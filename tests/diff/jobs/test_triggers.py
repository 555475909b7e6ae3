"""Which runs a schedule calls for: over absences, edits, policies, and a clock that is set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.core.schedule import following
from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import Outcome
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import Health
from tests.diff.jobhost import FAILS, HANGS, NOON, WELL, JobHost, job_of, reasons, run_of
from tests.diff.simhost import Behaviour

HOUR = 3600.0
DAY = 24 * HOUR
HOURLY = "0 * * * *"


def lasting(seconds: float) -> Behaviour:
    return Behaviour(crash_after=seconds, exit=Exit(0))


def due(host: JobHost) -> list[float]:
    """The moments that had runs, in hours after noon."""
    return [(run.due_at - NOON) / HOUR for run in host.begun.values() if run.due_at is not None]


# -- the ordinary ------------------------------------------------------------------------------


def test_a_schedule_that_is_new_has_missed_nothing_and_runs_at_each_of_its_moments() -> None:
    host = JobHost({"a": WELL})
    host.run_for(3.5 * HOUR, job_of(schedule=HOURLY))
    assert due(host) == [1, 2, 3]
    assert all(run.created_at - run.due_at < 0.1 for run in host.begun.values() if run.due_at)


def test_a_schedule_that_is_edited_has_missed_nothing() -> None:
    host = JobHost({"a": WELL})
    host.run_for(1.5 * HOUR, job_of(schedule="0 6 * * *"))
    host.run_for(1, job_of(schedule="15 * * * *"))
    assert due(host) == []
    host.run_for(1, job_of(schedule="15 * * * *", timeZone="Asia/Tokyo"))
    assert due(host) == []


def test_a_schedule_that_was_taken_away_and_comes_back_has_missed_nothing() -> None:
    host = JobHost({"a": WELL})
    host.run_for(1.5 * HOUR, job_of(schedule=HOURLY))
    host.run_for(5 * HOUR, job_of())
    host.run_for(1, job_of(schedule=HOURLY))
    assert due(host) == [1]


def test_its_time_zone_is_the_hosts_where_none_is_given() -> None:
    host = JobHost({"a": WELL})
    host.wall = type(host.wall)(host.wall.offset, "Asia/Tokyo")  # noon in UTC is 21:00 there
    host.run_for(4 * HOUR, job_of(schedule="0 22 * * *"))
    assert due(host) == [1]
    host.run_for(12 * HOUR, job_of(schedule="0 22 * * *", timeZone="UTC"))
    assert due(host) == [1, 10]


def test_what_is_next_is_told() -> None:
    host = JobHost({"a": WELL})
    host.run_for(HOUR + 10, job_of(schedule=HOURLY))
    status = host.look(Desired({"report": job_of(schedule=HOURLY)})).apps[0].status
    assert status.job is not None and status.job.next_at == NOON + 2 * HOUR
    assert status.message == "run 1 succeeded 9 s ago; next in 59 min 50 s"
    assert status.health is Health.HEALTHY


# -- what was missed ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["controller", "boot"])
def test_of_those_that_were_missed_the_latest_is_made_up_for(how: str) -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule=HOURLY)
    host.run_for(1.5 * HOUR, app)
    host.reboot(5 * HOUR) if how == "boot" else host.restart_controller(away=5 * HOUR)
    host.run_for(60, app)
    assert due(host) == [1, 6]


def test_what_is_later_than_starting_deadline_seconds_is_left_out_and_told_once() -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule=HOURLY, startingDeadlineSeconds=600)
    host.run_for(0.5 * HOUR, app)
    host.restart_controller(away=1.0 * HOUR)
    host.run_for(60, app)
    assert due(host) == []
    assert [*reasons(host)].count("MissSchedule") == 1
    host.restart_controller(away=1.5 * HOUR + 440)
    host.run_for(60, app)
    assert due(host) == [3]


def test_what_was_missed_while_it_was_suspended_is_made_up_for_once() -> None:
    """Kubernetes: without a starting deadline, missed Jobs are scheduled when it is resumed."""
    host = JobHost({"a": WELL})
    host.run_for(0.5 * HOUR, job_of(schedule=HOURLY))
    host.run_for(4 * HOUR, job_of(schedule=HOURLY, suspend=True))
    assert due(host) == []
    host.run_for(60, job_of(schedule=HOURLY))
    assert due(host) == [4]


def test_suspend_lets_the_run_that_is_on_its_way_go_on_to_its_end_with_its_retries() -> None:
    host = JobHost({"a": lasting(300)}, script={"report": [FAILS]})
    host.run_for(HOUR + 0.5, job_of(schedule=HOURLY))
    made = host.run_for(2 * HOUR, job_of(schedule=HOURLY, suspend=True))
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert host.tries == {1: 2}
    assert made.status.health is Health.SUSPENDED


# -- concurrencyPolicy -------------------------------------------------------------------------


def test_allow_has_both_run() -> None:
    host = JobHost({"a": lasting(2.5 * HOUR)})
    host.run_for(3.2 * HOUR, job_of(schedule=HOURLY))
    assert due(host) == [1, 2, 3]
    assert len(host.processes()) == 3


def test_forbid_has_the_new_one_begin_when_the_old_one_has_ended() -> None:
    host = JobHost({"a": lasting(2.5 * HOUR)})
    made = host.run_for(3.7 * HOUR, job_of(schedule=HOURLY, concurrencyPolicy="Forbid"))
    assert due(host) == [1, 3], "of those that came meanwhile the latest"
    assert [*reasons(host)].count("JobAlreadyActive") == 2
    assert 3.5 * HOUR <= run_of(made).created_at - NOON < 3.51 * HOUR


def test_forbid_leaves_out_what_is_too_late_when_the_old_one_has_ended() -> None:
    host = JobHost({"a": lasting(1.5 * HOUR)})
    spec: dict[str, Any] = {"concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 60}
    host.run_for(5.2 * HOUR, job_of(schedule=HOURLY, **spec))
    assert due(host) == [1, 3, 5]


def test_forbid_counts_a_run_that_waits_for_its_next_try() -> None:
    host = JobHost({"a": FAILS})
    spec: dict[str, Any] = {"backoff": {"initialSeconds": 3000, "maxSeconds": 3000}}
    app = job_of(schedule=HOURLY, concurrencyPolicy="Forbid", backoffLimit=2, **spec)
    host.run_for(2.5 * HOUR, app)
    assert due(host) == [1]


def test_replace_ends_the_old_one_and_begins_the_new_one_when_it_is_gone() -> None:
    host = JobHost({"a": Behaviour(ignores_stop=20)})
    app = job_of(schedule=HOURLY, concurrencyPolicy="Replace")
    host.run_for(2 * HOUR + 5, app)
    assert (host.decided[1].outcome, host.decided[1].reason) == (Outcome.FAILED, "Replaced")
    assert host.tries == {1: 1}
    host.run_for(60, app)
    assert host.tries == {1: 1, 2: 1}


# -- a clock that is set -----------------------------------------------------------------------


@pytest.mark.parametrize("back", [1, 120, HOUR, 2.9 * HOUR])
def test_a_clock_that_is_set_back_a_little_runs_nothing_twice(back: float) -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule="0 10,11,12,13,14,15,16 * * *")
    host.run_for(2 * HOUR + 5, app)
    host.set_clock(-back)
    plan = host.run_for(1, app)
    assert plan.status.job is not None and plan.status.job.next_at == NOON + 3 * HOUR
    host.run_for(back + HOUR, app)
    assert due(host) == [1, 2, 3]


@pytest.mark.parametrize("back", [60, 120, HOUR, 2 * HOUR, 5 * HOUR])
@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 * * * *", "0 * * * *", "*/10 12 * * *"])
def test_a_frequent_schedule_goes_by_the_new_time_at_once(back: float, schedule: str) -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule=schedule)
    host.run_for(HOUR / 2, app)
    host.set_clock(-back)
    began = host.wall_now
    host.run_for(90, app)
    plan = host.run_for(1, app)
    comes = following(schedule, "UTC", host.wall_now)
    assert plan.status.job is not None and plan.status.job.next_at == comes
    expected = following(schedule, "UTC", began)
    if expected is not None and expected <= host.wall_now:
        assert max(run.created_at for run in host.begun.values()) >= expected - 1


@pytest.mark.parametrize("back", [0.001, 0.5, 20, 59])
def test_a_clock_that_is_kept_right_repeats_nothing(back: float) -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule="* * * * *")
    host.run_for(300, app)
    before = len(host.begun)
    host.set_clock(-back)
    host.run_for(back, app)
    assert len(host.begun) <= before + 1 and len(host.moments) == len(host.begun)


@pytest.mark.parametrize("limit", [30.0, None])
def test_a_fixed_time_that_the_clock_was_set_over_is_made_up_for_and_is_not_late(
    limit: float | None,
) -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule="30 13 * * *", startingDeadlineSeconds=limit)
    host.run_for(HOUR, app)
    host.set_clock(2 * HOUR)
    host.run_for(61, app)
    assert due(host) == [1.5]


def test_a_clock_that_is_set_forward_by_more_was_wrong_and_nothing_is_made_up_for() -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule="30 13 * * *")
    host.run_for(HOUR, app)
    host.set_clock(5 * HOUR)
    host.run_for(2 * HOUR, app)
    assert due(host) == []
    host.run_for(DAY, app)
    assert due(host) == [25.5]


def test_a_clock_that_was_far_ahead_does_not_keep_runs_away() -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule="0 */6 * * *")
    host.run_for(60, app)
    host.set_clock(400 * DAY)
    host.run_for(60, app)
    host.set_clock(-400 * DAY)
    host.run_for(7 * HOUR, app)
    assert due(host) == [6]


def test_a_clock_that_is_wrong_after_a_boot_and_then_mended_makes_up_for_nothing_that_has_run() -> (
    None
):
    """A board without a clock of its own starts in 1970, until it hears of NTP."""
    host = JobHost({"a": WELL})
    app = job_of(schedule="0 13 * * *")
    host.run_for(2 * HOUR, app)
    assert due(host) == [1]
    host.reboot()
    right = host.wall
    host.set_clock(-host.wall_now + 5)
    host.run_for(30, app)
    host.wall = right
    host.run_for(30, app)
    assert due(host) == [1]
    host.run_for(DAY, app)
    assert due(host) == [1, 25]


def test_a_clock_that_is_set_forward_is_seen_within_a_minute_and_makes_up_for_the_latest() -> None:
    host = JobHost({"a": WELL})
    app = job_of(schedule=HOURLY)
    made = host.run_for(60, app)
    assert made.look_again_at is not None and made.look_again_at - host.now <= 60
    host.set_clock(3 * HOUR)
    host.run_for(61, app)
    assert due(host) == [3]


STEPS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from([1.0, 59.0, 600.0, 0.9 * HOUR])),
    st.tuples(st.just("clock"), st.sampled_from([-2 * HOUR, -90.0, -0.5, 0.5, 90.0, 5 * HOUR])),
    st.tuples(st.just("away"), st.sampled_from([1.0, 90.0, 1.5 * HOUR])),
    st.tuples(st.just("boot"), st.sampled_from([30.0, 90.0, 1.5 * HOUR])),
    st.tuples(st.just("unseen"), st.just(0.0)),
    st.tuples(st.just("suspend"), st.sampled_from([1.0, 0.7 * HOUR])),
    st.tuples(st.just("edit"), st.sampled_from(["a", "b"])),
)


@settings(max_examples=25)
@given(
    st.sampled_from(["*/20 * * * *", HOURLY, "30 */2 * * *"]),
    st.sampled_from(["Allow", "Forbid", "Replace"]),
    st.sampled_from([None, 30.0, 1800.0]),
    st.lists(st.sampled_from([WELL, FAILS, lasting(1500), lasting(3 * HOUR), HANGS]), max_size=8),
    st.lists(STEPS, max_size=8),
)
def test_whatever_happens_no_moment_runs_twice_and_policies_hold(
    schedule: str,
    policy: str,
    starting: float | None,
    script: list[Behaviour],
    steps: list[tuple[str, Any]],
) -> None:
    """The host asserts it, and what must hold of each plan, at each look."""
    host = JobHost({"a": WELL, "b": WELL}, script={"report": script})
    spec: dict[str, Any] = {
        "schedule": schedule,
        "concurrencyPolicy": policy,
        "startingDeadlineSeconds": starting,
        "activeDeadlineSeconds": 4 * HOUR,
        "backoffLimit": 2,
    }
    command, behind = "a", 0.0
    for what, value in steps:
        app = job_of(command=command, **spec)
        if what == "clock":
            behind += max(0.0, -value)
            if behind > 2.9 * HOUR:  # a clock that is set back by more was wrong before
                continue
        host.happen(what, value)
        if what == "run":
            host.run_for(value, app)
            behind = max(0.0, behind - value)
        elif what == "suspend":
            host.run_for(value, job_of(command=command, **spec, suspend=True))
        elif what == "edit":
            command = value
        host.pass_once(Desired({"report": job_of(command=command, **spec)}))
        host.look(Desired({"report": job_of(command=command, **spec)}))  # it sees what it did
    host.run_for(2.2 * HOUR, job_of(command=command, **spec))
    for number, count in host.tries.items():
        assert count <= 3, f"run {number} was tried more often than backoffLimit says"
    late = [run.created_at - run.due_at for run in host.begun.values() if run.due_at]
    if not any(what == "clock" and value > 1 for what, value in steps):
        assert starting is None or max(late, default=0.0) <= starting
