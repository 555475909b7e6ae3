"""Revisions: numbered, kept as a Deployment keeps its ReplicaSets, the last good one always."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff.core.history import mark, number_of, presume_good, record, target
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of
from tests.model.state.test_revision import IN_PLACE


def _recorded(*commands: str, **spec: Any) -> AppMemory:
    memory = AppMemory()
    for command in commands:
        memory = record(memory, app_of(command=command, **spec))
    return memory


def _marked(memory: AppMemory, number: int, **how: Any) -> AppMemory:
    revision = next(r for r in memory.revisions if r.number == number)
    return mark(memory, replace(revision, **how))


def test_the_same_manifest_again_changes_nothing() -> None:
    memory = _recorded("a")
    assert record(memory, app_of(command="a")) is memory


def test_going_back_gives_the_earlier_template_a_new_number() -> None:
    memory = record(_marked(_recorded("a", "b"), 1, good=True), app_of(command="a"))
    assert [r.number for r in memory.revisions] == [2, 3]
    assert memory.revisions[-1].good, "it was good, and is so still"


def test_going_back_to_what_failed_tries_it_again() -> None:
    memory = record(_marked(_recorded("a", "b"), 1, failed="why"), app_of(command="a"))
    assert memory.revisions[-1].failed is None


def test_a_field_applied_in_place_makes_no_revision() -> None:
    memory = record(_recorded("a"), app_of(command="a", instances=5))
    assert [(r.number, r.spec["instances"]) for r in memory.revisions] == [(1, 5)]


def test_the_history_is_trimmed_and_never_forgets_the_last_good_one() -> None:
    memory = _marked(_recorded("a"), 1, good=True)
    for command in "bcdef":
        memory = record(memory, app_of(command=command, revisionHistoryLimit=2))
    assert [r.number for r in memory.revisions] == [1, 4, 5, 6]
    aim = target(_marked(memory, 6, failed="why"))
    assert aim is not None
    assert aim.number == 1


def test_nothing_shall_run_where_all_failed() -> None:
    assert target(_marked(_recorded("a"), 1, failed="why")) is None
    assert target(AppMemory()) is None


def test_a_lost_key_moves_the_marks_on_and_makes_no_revision() -> None:
    memory = record(AppMemory(), app_of(secrets={"P": "x"}, key=b"1"))
    moved = app_of(secrets={"P": "x"}, key=b"2")
    memory = record(memory, moved)
    assert [(r.number, r.hash, r.marks) for r in memory.revisions] == [(1, moved.hash, moved.marks)]


def test_secrets_that_cannot_be_read_here_leave_the_marks_alone() -> None:
    memory = record(AppMemory(), app_of(secrets={"P": "x"}))
    known = app_of(secrets={"P": "x"})
    unread = DesiredApp(
        known.name,
        known.spec,
        known.hash.partition(".")[0] + ".?",
        known.source,
        secrets=None,
        marks=None,
    )
    assert record(memory, unread) is memory


def test_only_what_runs_alone_is_presumed_good() -> None:
    app, other = app_of(command="a"), app_of(command="b")
    memory, host = record(AppMemory(), app), SimHost()
    assert presume_good(memory, ()) is memory
    host.add(app, 0)
    assert presume_good(memory, host.processes()).revisions[-1].good
    host.add(other, 1)
    assert presume_good(memory, host.processes()) is memory


def test_the_number_of_a_hash_that_is_not_remembered_is_zero() -> None:
    memory = _recorded("a", "b")
    assert number_of(memory, app_of(command="a").hash) == 1
    assert number_of(memory, "none.-") == 0


@pytest.mark.parametrize(("name", "value"), IN_PLACE.items())
def test_only_what_decides_readiness_clears_a_failed_mark(name: str, value: Any) -> None:
    spec: dict[str, Any] = {"progressDeadlineSeconds": 60, "readinessProbe": PROBE}
    old, new = app_of(command="a", **spec), app_of(command="b", **spec)
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None)})
    host.settle(old)
    host.settle(new)
    assert host.memory["web"].revisions[-1].failed
    host.started.clear()
    edit = app_of(command="b", **{**spec, name: value})
    made = host.look(Desired({"web": edit})).apps[0]
    decides = {
        *("strategy", "startupProbe", "readinessProbe", "livenessProbe", "minReadySeconds"),
        *("progressDeadlineSeconds", "restartPolicy", "successExitCodes", "limits"),
    }
    assert (made.memory.revisions[-1].failed is None) is (name in decides)
    if name not in decides:
        host.run_for(1000, edit)
        assert not any(process.tag.hash == new.hash for process in host.started)
