"""What the journal remembers counts, and what happened before it could be read is added to it."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.state.memory import AppMemory, Ended, Outcome, Recall, Run
from reconciler.model.state.observed import Exit
from reconciler.model.state.revision import Revision
from reconciler.state.journal.merge import merged

LOADED = AppMemory(
    revisions=(Revision(1, "a.-", {"command": ["x"]}, good=True),),
    ended={0: Ended("a.-", Exit(1), 5.0, 4, 9.0)},
    restarts={0: 7},
    restart_requested_at=2.0,
    begun=True,
    paused=True,
)
RUN = Run(1, "a.-", "schedule", 100.0, 99.0, 101.0, failures=2)


def test_an_app_that_the_journal_does_not_know_is_new() -> None:
    since = AppMemory(restarts={0: 1}, recall=Recall.UNREAD)
    assert merged(None, since) == replace(since, recall=Recall.WHOLE)


def test_what_happened_meanwhile_is_added_and_nothing_is_taken_away() -> None:
    end = Ended("a.-", Exit(2), 50.0, 1, 51.0)
    since = AppMemory(ended={1: end}, restarts={0: 1, 1: 2}, recall=Recall.UNREAD)
    found = merged(LOADED, since)
    assert found.ended == {**LOADED.ended, 1: end} and found.restarts == {0: 8, 1: 2}
    assert found.revisions == LOADED.revisions and found.recall is Recall.WHOLE
    assert found.paused and found.begun and found.restart_requested_at == 2.0


def test_what_was_asked_for_meanwhile_holds() -> None:
    since = AppMemory(paused=True, begun=True, restart_requested_at=60.0)
    found = merged(replace(LOADED, paused=False, begun=False), since)
    assert found.paused and found.begun and found.restart_requested_at == 60.0


def test_a_run_ends_as_it_was_seen_to_and_its_tries_add_up() -> None:
    seen = Run(1, "a.-", "", 0.0, outcome=Outcome.FAILED, failures=1, exit=Exit(3))
    (run,) = merged(replace(LOADED, runs=(RUN,)), AppMemory(runs=(seen,))).runs
    assert (run.outcome, run.failures, run.exit) == (Outcome.FAILED, 3, Exit(3))
    assert (run.why, run.created_at, run.due_at) == ("schedule", 100.0, 99.0)


def test_a_run_of_which_nothing_was_seen_is_what_it_was() -> None:
    unseen = Run(1, "a.-", "", 0.0)
    loaded = replace(LOADED, runs=(RUN,))
    for since in (AppMemory(), AppMemory(runs=(unseen,))):
        assert merged(loaded, since).runs == (RUN,)
