"""`plan` of Jobs without a schedule, held to its promises whatever happens meanwhile."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.as_if_running import as_observed
from reconciler.diff.plan import plan
from reconciler.diff.prune import Absence, Verdict
from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import Outcome
from reconciler.model.state.observed import DriftKind, Exit, Observed
from reconciler.model.state.plan import Sync
from tests.diff.jobhost import FAILS, HANGS, WELL, JobHost, job_of
from tests.diff.simhost import Behaviour, ends

LIMIT = 2
LONG = Behaviour(crash_after=20.0, exit=Exit(0))
STUBBORN = Behaviour(crash_after=20.0, exit=Exit(0), ignores_stop=7.0)
behaviours = st.sampled_from([WELL, FAILS, LONG, STUBBORN, HANGS])
STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 6)),
    st.tuples(st.just("run"), st.sampled_from([0.5, 5.0, 40.0])),
    st.tuples(st.just("edit"), st.sampled_from("abc")),
    st.tuples(st.just("suspend"), st.booleans()),
    st.tuples(st.just("away"), st.sampled_from([0.5, 25.0])),
    st.tuples(st.just("unseen"), st.none()),
    st.tuples(st.just("boot"), st.just(60.0)),
    st.tuples(st.just("clock"), st.sampled_from([-1e6, -1.0, 1.0, 1e6])),
    st.tuples(st.just("terms"), st.sampled_from(["Allow", "Forbid", "Replace"])),
)


@settings(max_examples=150)
@given(st.lists(behaviours, max_size=12), st.lists(STEPS, max_size=14))
def test_each_revision_has_one_run_and_each_run_its_tries_whatever_happens(
    script: list[Behaviour], steps: list[tuple[str, Any]]
) -> None:
    """That no two processes are there at a time the host asserts at each start."""
    host = JobHost(dict.fromkeys("abc", WELL), script={"report": script})
    spec: dict[str, Any] = {"command": "a", "backoffLimit": LIMIT, "activeDeadlineSeconds": 300}
    spec["revisionHistoryLimit"] = 1
    revisions = 0
    suspensions = 0
    for what, value in steps:
        if what == "pass":
            for _ in range(value):
                host.pass_once(Desired({"report": job_of(**spec)}))
        elif what == "run":
            host.run_for(value, job_of(**spec))
        elif what == "edit":
            spec["command"] = value
        elif what == "suspend":
            spec["suspend"] = value
            suspensions += value
        elif what == "terms":
            spec["concurrencyPolicy"] = value
        host.happen(what, value)
        made = host.look(Desired({"report": job_of(**spec)})).apps[0]
        revisions = max(revisions, made.memory.revisions[-1].number)
    made = host.settle(job_of(**(spec | {"suspend": False})))
    calls = Counter(run.why for run in host.begun.values())
    assert set(calls.values()) == {1}, "one run a revision"
    assert set(calls) <= {f"revision {number + 1}" for number in range(revisions + 1)}
    assert f"revision {made.memory.revisions[-1].number}" in calls
    assert made.memory.runs[-1].outcome is not Outcome.ACTIVE
    assert (made.actions, made.look_again_at) == ((), None)
    for number, count in host.tries.items():
        assert count <= LIMIT + 1 + suspensions
        run = host.decided[number]
        assert run.failures <= LIMIT + 1
        if run.reason == "BackoffLimitExceeded":
            assert run.failures == LIMIT + 1
        if run.outcome is Outcome.SUCCEEDED:
            assert run.failures <= LIMIT


@given(st.lists(behaviours, max_size=4), st.integers(0, 12))
def test_a_lost_memory_costs_history_and_never_a_second_process(
    script: list[Behaviour], passes: int
) -> None:
    host = JobHost({"a": WELL}, script={"report": script})
    app = job_of(backoffLimit=LIMIT)
    for _ in range(passes):
        host.pass_once(Desired({"report": app}))
    running = {process.tag.nonce for process in host.processes()}
    host.memory.clear()
    host.begun.clear()
    host.decided.clear()
    made = host.look(Desired({"report": app})).apps[0]
    assert not [end for end in made.actions if type(end).__name__ == "End"]
    assert running <= {process.tag.nonce for process in host.processes()}
    host.settle(app)


@given(st.lists(behaviours, max_size=4), st.lists(st.integers(0, 12), max_size=3))
def test_a_controller_killed_between_any_two_side_effects_starts_nothing_twice(
    script: list[Behaviour], kills: list[int]
) -> None:
    host = JobHost({"a": WELL, "b": WELL}, script={"report": script})
    count = 0

    def between() -> bool:
        nonlocal count
        count += 1
        if count - 1 not in kills:
            return False
        host.restart_controller(away=0.5)
        return True

    host.between = between
    spec: dict[str, Any] = {"activeDeadlineSeconds": 100, "backoffLimit": LIMIT}
    for _ in range(5):
        host.pass_once(Desired({"report": job_of(**spec)}))
    made = host.settle(job_of(command="b", **spec))
    assert made.memory.runs[-1].outcome is not Outcome.ACTIVE
    assert all(count <= LIMIT + 1 for count in host.tries.values())


# -- what is shown -----------------------------------------------------------------------------


def test_a_run_that_is_called_for_and_has_not_begun_is_drift() -> None:
    host = JobHost({"a": WELL})
    made = host.look(Desired({"report": job_of()})).apps[0]
    assert [(d.kind, d.instance) for d in made.status.drift] == [(DriftKind.MISSING, "report-1")]
    assert made.status.sync is Sync.OUT_OF_SYNC
    assert (made.change.action, made.change.kind) == ("create", "Job")
    assert made.change.notes == ("runs once: a",)


def test_a_run_that_failed_says_how_and_what_to_do() -> None:
    host = JobHost({"a": FAILS})
    status = host.settle(job_of(backoffLimit=0)).status
    assert status.message == "run 1 failed (exit 1) 0 s ago; `recon run-job report` runs it again"
    assert [(c.type, c.reason) for c in status.conditions] == [("Failed", "BackoffLimitExceeded")]
    assert [(row.name, row.state, row.exit) for row in status.instances] == [
        ("report-1", "failed", "exit 1")
    ]


def test_a_job_whose_manifest_is_gone_is_stopped_as_an_app_is() -> None:
    host = JobHost({"a": HANGS})
    host.run_for(5, job_of())
    assert not ends(host.look(Desired({})))
    gone = {"report": Absence(Verdict.DELETE, "manifest removed")}
    (end,) = ends(host.look(Desired({}), gone))
    assert end.reason == "manifest removed"


def test_a_directory_compared_with_itself_runs_nothing() -> None:
    """`apply --dry-run --base`: what the base declares has been run."""
    desired = Desired({"report": job_of(), "nightly": job_of("nightly", schedule="0 3 * * *")})
    observed, memory = as_observed(desired, 1000.0)
    for made in plan(desired, observed, memory, 1000.0).apps:
        assert (made.actions, made.change.action) == ((), "none")
    assert observed == Observed()
