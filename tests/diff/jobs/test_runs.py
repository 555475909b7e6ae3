"""Runs of a Job: how each is begun, tried, decided and remembered, whatever happens meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.jobs import runs
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import Outcome
from reconciler.model.state.observed import Exit, RunState
from reconciler.model.state.plan import Health, Sync
from reconciler.model.state.standing import Standing
from tests.diff.jobhost import FAILS, HANGS, START, WELL, JobHost, job_of, reasons, run_of
from tests.diff.simhost import TOO_MUCH, Behaviour, app_of, ends

SLOW = Behaviour(crash_after=30.0, exit=Exit(0))


def _one(host: JobHost, app: Workload) -> Any:
    return host.look(Desired({app.name: app})).apps[0]


# -- once for each revision --------------------------------------------------------------------


def test_a_job_runs_once_when_it_is_declared_and_then_never_again() -> None:
    host = JobHost({"a": WELL})
    made = host.settle(job_of())
    assert [run.outcome for run in made.memory.runs] == [Outcome.SUCCEEDED]
    assert (made.status.sync, made.status.health) == (Sync.SYNCED, Health.HEALTHY)
    made = host.run_for(100_000, job_of())
    assert host.tries == {1: 1}
    assert made.actions == () and made.look_again_at is None


def test_an_edit_of_its_template_is_a_run_and_one_in_place_is_none() -> None:
    host = JobHost({"a": WELL, "b": WELL})
    host.settle(job_of())
    host.settle(job_of(backoffLimit=3, activeDeadlineSeconds=5))
    assert host.tries == {1: 1}
    made = host.settle(job_of(command="b"))
    assert host.tries == {1: 1, 2: 1}
    assert run_of(made).why == "revision 2"


def test_going_back_to_an_earlier_template_runs_it_again() -> None:
    host = JobHost({"a": WELL, "b": WELL})
    for command in ("a", "b", "a"):
        made = host.settle(job_of(command=command))
    assert [run.why for run in host.begun.values()] == ["revision 1", "revision 2", "revision 3"]
    assert made.status.revision == 3


def test_an_edit_ends_the_run_of_what_is_declared_no_more_and_begins_the_next_after_it() -> None:
    host = JobHost({"a": Behaviour(ignores_stop=5), "b": WELL})
    host.pass_once(Desired({"report": job_of()}))
    host.advance(1)
    made = _one(host, job_of(command="b"))
    assert [end.reason for end in ends_of(made)] == ["Superseded"]
    assert host.decided[1].reason == "Superseded"
    made = host.settle(job_of(command="b"))
    assert [run.outcome for run in made.memory.runs][-1] is Outcome.SUCCEEDED
    assert host.tries == {1: 1, 2: 1}


def ends_of(made: Any) -> Any:
    return [action for action in made.actions if type(action).__name__ == "End"]


# -- tries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1, 3, 6])
def test_a_run_is_tried_so_often_as_backoff_limit_says_and_not_once_more(limit: int) -> None:
    host = JobHost({"a": FAILS})
    made = host.settle(job_of(backoffLimit=limit))
    run = run_of(made)
    assert host.tries == {1: limit + 1}
    assert (run.outcome, run.reason) == (Outcome.FAILED, "BackoffLimitExceeded")
    assert run.failures == limit + 1
    assert made.status.health is Health.DEGRADED
    assert [*reasons(host)] == ["BackOff"] * limit + ["BackoffLimitExceeded"]


def test_waits_between_tries_double() -> None:
    host = JobHost({"a": FAILS})
    host.settle(job_of(backoffLimit=4, backoff={"initialSeconds": 10, "maxSeconds": 1000}))
    starts = [process.started_at for process in host.started]
    waits = [later - earlier - 1 for earlier, later in pairwise(starts)]
    for wait, full in zip(waits, (10, 20, 40, 80), strict=True):
        assert 0.79 * full <= wait <= 1.25 * full


def test_a_run_that_succeeds_at_last_has_succeeded() -> None:
    host = JobHost({"a": WELL}, script={"report": [FAILS, FAILS]})
    made = host.settle(job_of())
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert host.tries == {1: 3}
    assert made.status.health is Health.HEALTHY
    assert made.status.message.startswith("run 1 succeeded")


def test_a_run_whose_exit_code_is_declared_a_success_has_succeeded() -> None:
    host = JobHost({"a": Behaviour(crash_after=1.0, exit=Exit(3))})
    made = host.settle(job_of(successExitCodes=[3]))
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert host.tries == {1: 1}


@pytest.mark.parametrize("limit", [0, 2])
def test_how_a_run_ended_unseen_counts_as_a_failure(limit: int) -> None:
    host = JobHost({"a": SLOW})
    app = job_of(backoffLimit=limit)
    host.run_for(5, app)
    host.end_unseen()
    made = host.settle(app)
    assert run_of(made).failures == 1
    assert run_of(made).outcome is (Outcome.SUCCEEDED if limit else Outcome.FAILED)
    assert host.tries == {1: 2 if limit else 1}


@pytest.mark.parametrize("limit", [0, 2])
def test_a_boot_in_the_middle_of_a_run_is_a_failure_of_it(limit: int) -> None:
    host = JobHost({"a": SLOW})
    app = job_of(backoffLimit=limit)
    host.run_for(5, app)
    host.reboot()
    made = host.settle(app)
    assert host.tries == {1: 2 if limit else 1}
    assert run_of(made).failures == 1


def test_a_controller_that_is_restarted_goes_on_with_the_run_that_runs() -> None:
    host = JobHost({"a": SLOW})
    host.run_for(5, job_of())
    host.restart_controller(away=3)
    made = host.settle(job_of())
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert host.tries == {1: 1}


def test_without_any_memory_what_runs_is_the_run_and_is_not_begun_twice() -> None:
    host = JobHost({"a": SLOW})
    host.run_for(5, job_of())
    host.memory.clear()
    made = host.settle(job_of())
    assert [run.why for run in made.memory.runs] == ["found running"]
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert host.tries == {1: 1}


# -- the deadline ------------------------------------------------------------------------------


def test_a_run_that_hangs_is_ended_at_its_deadline() -> None:
    host = JobHost({"a": HANGS})
    made = host.settle(job_of(activeDeadlineSeconds=60))
    assert run_of(made).reason == "DeadlineExceeded"
    assert run_of(made).failures == 0, "it is not tried again"
    assert host.tries == {1: 1} and not host.processes()
    assert 60 <= host.now - START < 61


def test_the_deadline_holds_for_all_tries_together() -> None:
    host = JobHost({"a": Behaviour(crash_after=0.001)})
    made = host.settle(
        job_of(activeDeadlineSeconds=30, backoff={"initialSeconds": 10}, backoffLimit=50)
    )
    assert run_of(made).reason == "DeadlineExceeded"
    assert 30 <= host.now - START < 31


def test_of_a_run_that_makes_no_try_in_time_nothing_is_started_any_more() -> None:
    host = JobHost({"a": FAILS})
    made = host.settle(
        job_of(activeDeadlineSeconds=5, backoff={"initialSeconds": 100, "maxSeconds": 100})
    )
    assert run_of(made).reason == "DeadlineExceeded"
    assert host.tries == {1: 1}


# -- suspend -----------------------------------------------------------------------------------


def test_suspend_ends_a_job_without_schedule_and_resume_begins_it_again() -> None:
    host = JobHost({"a": SLOW})
    app, suspended = job_of(), job_of(suspend=True)
    host.run_for(5, app)
    made = _one(host, suspended)
    assert [end.reason for end in ends_of(made)] == ["suspended"]
    made = host.settle(suspended)
    assert (made.status.health, made.status.sync) == (Health.SUSPENDED, Sync.SYNCED)
    assert not host.processes()
    made = host.settle(app)
    assert run_of(made).outcome is Outcome.SUCCEEDED
    assert run_of(made).failures == 0
    assert host.tries == {1: 2}


def test_the_deadline_does_not_run_while_a_job_is_suspended() -> None:
    """Kubernetes: a Job that is resumed has a new startTime."""
    host = JobHost({"a": SLOW})
    terms: dict[str, Any] = {"activeDeadlineSeconds": 40, "backoffLimit": 0}
    host.run_for(20, job_of(**terms))
    host.run_for(5000, job_of(**terms, suspend=True))
    made = host.settle(job_of(**terms))
    assert run_of(made).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("how", ["restart", "boot"])
def test_one_that_ends_unseen_since_it_is_suspended_has_not_failed(how: str) -> None:
    host = JobHost({"a": Behaviour(crash_after=30.0, exit=Exit(0), ignores_stop=10.0)})
    app, suspended = job_of(backoffLimit=0), job_of(backoffLimit=0, suspend=True)
    host.run_for(5, app)
    host.run_for(1, suspended)
    assert [process.state for process in host.processes()] == [RunState.STOPPING]
    host.reboot() if how == "boot" else host.restart_controller(away=60)
    host.settle(suspended)
    made = host.settle(app)
    assert run_of(made).outcome is Outcome.SUCCEEDED


def test_a_job_that_is_declared_suspended_runs_when_it_is_resumed() -> None:
    host = JobHost({"a": WELL})
    made = host.settle(job_of(suspend=True))
    assert made.status.health is Health.SUSPENDED and not made.memory.runs
    host.settle(job_of())
    assert host.tries == {1: 1}


# -- limits ------------------------------------------------------------------------------------


def test_a_run_that_outgrows_its_memory_is_ended_and_has_failed() -> None:
    host = JobHost({"a": Behaviour(outgrows_after=3)})
    made = host.settle(job_of(limits={"memory": "300Mi"}))
    assert run_of(made).reason == "MemoryLimitExceeded"
    assert TOO_MUCH in run_of(made).message
    assert host.tries == {1: 1} and not host.processes()


# -- dependencies ------------------------------------------------------------------------------


def test_a_run_waits_for_what_it_depends_on_and_a_retry_does_not() -> None:
    db = app_of("db", "d", readinessProbe={"tcpSocket": {"port": 1}})
    job = job_of(dependsOn=["db"], backoffLimit=1)
    host = JobHost({"d": Behaviour(ready_after=30), "a": WELL}, script={"report": [FAILS]})
    plans = host.settle_all(db, job)
    assert host.tries == {1: 2}
    first = next(p for p in host.started if p.tag.app == "report")
    assert first.started_at - START >= 30
    assert run_of(plans["report"]).outcome is Outcome.SUCCEEDED


def test_completed_waits_for_a_run_of_what_is_declared_now_to_succeed() -> None:
    migrate, web = job_of("migrate", "m"), app_of("web", "w")
    web = app_of("web", "w", dependsOn=[{"app": "migrate", "condition": "Completed"}])
    host = JobHost({"m": FAILS, "w": Behaviour()})
    plans = host.settle_all(migrate, web)
    assert "migrate to be Completed, which has failed" in plans["web"].status.message
    assert not host.running("web")
    host.behaviours = {"m2": WELL, "w": Behaviour()}
    host.settle_all(job_of("migrate", "m2"), web)
    assert host.running("web")


def test_a_run_of_an_earlier_revision_of_the_same_content_completes_nothing() -> None:
    host = JobHost({"a": WELL, "b": WELL})
    for command in ("a", "b"):
        host.settle(job_of(command=command))
    assert runs.standing_of(job_of(), host.memory["report"]) == Standing()
    host.pass_once(Desired({"report": job_of()}))
    assert not runs.standing_of(job_of(), host.memory["report"]).met & {"Completed"}
    host.settle(job_of())
    assert "Completed" in runs.standing_of(job_of(), host.memory["report"]).met


# -- another kind ------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [{}, {"schedule": "* * * * *", "concurrencyPolicy": "Forbid"}])
def test_processes_of_an_app_are_no_runs_of_the_job_that_it_has_become(
    schedule: dict[str, Any],
) -> None:
    app = app_of("report", "app", instances=3)
    host = JobHost({"app": Behaviour(ignores_stop=2), "a": WELL})
    host.settle(app)
    old = {process.tag.nonce for process in host.processes()}
    looked = host.look(Desired({"report": job_of(**schedule)}))
    assert {end.process.tag.nonce for end in ends(looked)} == old
    made = host.run_for(200, job_of(**schedule)) if schedule else host.settle(job_of())
    assert not old & {process.tag.nonce for process in host.processes()}
    assert "found running" not in [run.why for run in host.begun.values()]
    assert any(run.outcome is Outcome.SUCCEEDED for run in made.memory.runs)


def test_runs_of_a_job_that_has_become_an_app_are_replaced() -> None:
    host = JobHost({"a": HANGS, "app": Behaviour()})
    host.run_for(5, job_of())
    app = app_of("report", "app", instances=2)
    host.settle(app)
    assert host.running("report") == {(0, app.hash), (1, app.hash)}


# -- history -----------------------------------------------------------------------------------


@given(
    st.lists(st.booleans(), min_size=1, max_size=9),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_so_many_runs_are_remembered_as_the_limits_say_and_the_newest_always(
    outcomes: list[bool], successes: int, failures: int
) -> None:
    host = JobHost()
    for index, well in enumerate(outcomes):
        host.behaviours = {f"c{index}": WELL if well else FAILS}
        made = host.settle(
            job_of(
                command=f"c{index}",
                backoffLimit=0,
                successfulJobsHistoryLimit=successes,
                failedJobsHistoryLimit=failures,
            )
        )
    numbered = [*enumerate(outcomes, 1)]
    good = [number for number, well in numbered if well]
    bad = [number for number, well in numbered if not well]
    kept = {*good[max(0, len(good) - successes) :], *bad[max(0, len(bad) - failures) :]}
    assert [run.number for run in made.memory.runs] == sorted(kept | {len(outcomes)})


def test_the_number_of_a_run_is_not_given_twice() -> None:
    host = JobHost()
    for index in range(6):
        host.behaviours = {f"c{index}": WELL}
        host.settle(job_of(command=f"c{index}", successfulJobsHistoryLimit=0))
    assert [*host.begun] == [1, 2, 3, 4, 5, 6]


def test_a_revision_that_has_an_active_run_is_remembered_for_its_next_try() -> None:
    host = JobHost({f"c{n}": FAILS for n in range(5)})
    spec: dict[str, Any] = {
        "schedule": "0 13 * * *",
        "revisionHistoryLimit": 1,
        "backoff": {"initialSeconds": 600, "maxSeconds": 600},
    }
    host.run_for(3700, job_of(command="c0", **spec))
    assert host.memory["report"].runs[-1].retry_at is not None
    for index in range(1, 5):
        made = _one(host, job_of(command=f"c{index}", **spec))
    assert made.memory.revision(run_of(made).hash) is not None
