"""Without its memory, nothing is done for an app that only its memory could forbid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.plan import plan
from reconciler.diff.prune import Verdict, absences
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import AppMemory, JournalHealth, JournalState, Recall
from reconciler.model.state.observed import Observed, Process, RunState
from reconciler.model.state.plan import End, Health, Start, Sync
from tests.diff.jobhost import HANGS, WELL, JobHost, built_of, job_of
from tests.diff.simhost import PROBE, SimHost, app_of
from tests.diff.strategies import edited, specs

UNREAD = AppMemory(recall=Recall.UNREAD)
LOST = AppMemory(recall=Recall.LOST)
BLIND = JournalState(JournalHealth.UNREADABLE, "the journal cannot be read", Recall.UNREAD)
FULL = JournalState(JournalHealth.UNWRITABLE, "the disk is full")
not_whole = st.sampled_from([UNREAD, LOST])


def nonces(host: SimHost) -> set[str]:
    return {p.tag.nonce for p in host.processes() if p.state is RunState.RUNNING}


def first(host: SimHost) -> Process:
    return min(host.processes(), key=lambda process: process.tag.instance)


@given(specs(), not_whole, st.integers(0, 3))
def test_what_runs_is_kept_and_what_crashes_comes_back(
    spec: dict[str, Any], unknown: AppMemory, passes: int
) -> None:
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost(checks=False)
    host.settle(old)
    host.memory["web"] = unknown
    before = nonces(host)
    for _ in range(passes):
        host.pass_once(Desired({"web": new}))
    assert before <= nonces(host)
    if before:
        host.kill(first(host))
    host.settle(new)
    assert len(before & nonces(host)) == max(0, len(before) - 1)
    assert {number for number, _ in host.running()} == set(range(new.spec.wanted))


@given(specs(), not_whole)
def test_what_is_declared_and_runs_not_at_all_is_started(
    spec: dict[str, Any], unknown: AppMemory
) -> None:
    app = edited(spec, "a")
    host = SimHost()
    host.memory["web"] = unknown
    made = host.settle(app)
    assert host.running() == {(number, app.hash) for number in range(app.spec.wanted)}
    assert (made.memory.recall is Recall.WHOLE) == (unknown is LOST), "nothing depends on it now"


def test_scaling_down_suspending_and_a_failed_liveness_probe_act_as_ever() -> None:
    host = SimHost(checks=False)
    host.settle(app_of(instances=3))
    host.memory["web"] = UNREAD
    host.settle(app_of(instances=2))
    assert {number for number, _ in host.running()} == {0, 1}
    sick = first(host)
    host.sims[sick.tag.nonce].process = replace(sick, failed="liveness probe failed")
    host.settle(app_of(instances=2))
    assert sick.tag.nonce not in nonces(host) and len(host.running()) == 2
    host.settle(app_of(instances=2, suspend=True))
    assert not host.running()


def test_a_held_rollout_says_why_and_goes_on_when_the_memory_is_back() -> None:
    spec = {"instances": 2, "readinessProbe": PROBE}
    old, new = edited(spec, "a"), edited(spec, "b")
    host = SimHost()
    host.settle(old)
    whole = host.memory["web"]
    host.memory["web"] = UNREAD
    made = host.settle(new)
    assert made.status.message == "rollout held until the journal can be read"
    assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.HEALTHY)
    (progressing,) = [one for one in made.status.conditions if one.type == "Progressing"]
    assert (progressing.status, progressing.reason) == ("Unknown", "MemoryMissing")
    host.memory["web"] = whole
    host.settle(new)
    assert host.running() == {(0, new.hash), (1, new.hash)}


def test_a_lost_memory_holds_until_somebody_edits_or_asks() -> None:
    old, new, next = (app_of(command=word) for word in "abc")
    host = SimHost()
    host.settle(old)
    host.memory["web"] = LOST
    made = host.settle(new)
    assert "`recon rollout resume web` continues it" in made.status.message
    assert host.running() == {(0, old.hash)}
    host.settle(next)
    assert host.running() == {(0, next.hash)}, "an edit is the deploy, whatever was before"
    assert host.memory["web"].recall is Recall.WHOLE


def test_no_run_of_a_job_begins_until_the_journal_can_be_read() -> None:
    host = JobHost({"a": WELL})
    host.settle(job_of())
    whole = host.memory["report"]
    host.memory["report"] = UNREAD
    made = host.run_for(7200, job_of())
    assert host.tries == {1: 1} and not made.memory.runs
    assert "no run starts until the journal can be read" in made.status.message
    host.memory["report"] = whole
    host.run_for(7200, job_of())
    assert host.tries == {1: 1}


def test_no_schedule_calls_until_the_journal_can_be_read() -> None:
    job = job_of(schedule="* * * * *")
    host = JobHost({"a": WELL})
    host.memory["report"] = UNREAD
    host.run_for(600, job)
    assert not host.tries
    host.memory["report"] = LOST
    host.run_for(600, job)
    assert 9 <= len(host.tries) <= 11, "from now on, and nothing is made up for"


@pytest.mark.parametrize("revisions", [True, False], ids=["row lost", "all lost"])
def test_a_job_whose_record_was_lost_runs_when_it_is_edited(revisions: bool) -> None:
    host = JobHost({"a": WELL, "b": WELL})
    host.settle(job_of())
    known = host.memory["report"].revisions if revisions else ()
    host.memory["report"] = replace(LOST, revisions=known)
    made = host.run_for(7200, job_of())
    assert host.tries == {1: 1}
    assert "may have run" in made.status.message and "recon run-job report" in made.status.message
    made = host.run_for(7200, job_of(command="b"))
    assert made.memory.recall is Recall.WHOLE and made.memory.called_revision == 2
    assert made.memory.runs[-1].hash == job_of(command="b").hash


def test_a_build_does_no_harm_and_an_app_needs_it() -> None:
    builder, app = built_of()
    host = JobHost({"make": WELL})
    host.memory |= {builder.name: UNREAD, "web": UNREAD}
    host.settle(builder, app)
    assert host.running() == {(0, app.hash)}


def test_a_run_that_goes_on_is_adopted_and_not_superseded() -> None:
    host = JobHost({"a": HANGS, "b": HANGS})
    host.run_for(5, job_of())
    host.memory["report"] = UNREAD
    made = host.run_for(60, job_of(command="b"))
    assert not made.actions and len(host.processes()) == 1


def made_for(app: Workload, journal: JournalState) -> Any:
    memory: dict[str, AppMemory] = {}
    return plan(Desired({app.name: app}), Observed(), memory, 1000.0, journal=journal).apps[0]


def test_the_plan_of_what_nobody_remembers_depends_on_the_journal() -> None:
    assert any(isinstance(one, Start) for one in made_for(job_of(), JournalState()).actions)
    assert made_for(job_of(), BLIND).actions == ()
    full = made_for(job_of(), FULL)
    assert full.actions == () and "until the journal can be written" in full.status.message
    for journal in (JournalState(), BLIND, FULL):
        assert any(isinstance(one, Start) for one in made_for(app_of(), journal).actions)


def test_nothing_is_removed_until_the_journal_can_be_read_but_all_can_be_stopped() -> None:
    app = app_of()
    verdicts = absences(Desired({"other": app_of("other")}), {"web": None}, {"web": 9}, unread=True)
    assert verdicts["web"].verdict is Verdict.HELD and "journal" in verdicts["web"].reason
    host = SimHost(checks=False)
    host.settle(app)
    down = {"web": replace(verdicts["web"], verdict=Verdict.DELETE)}
    observed = Observed(host.processes())
    made = plan(Desired({}), observed, {}, host.now, down, journal=BLIND)
    assert any(isinstance(one, End) for one in made.apps[0].actions)
