"""A situation: nothing of it ever changes, and what is derived from it is calculated once."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.core.history import record
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from tests.diff.simhost import SimHost, app_of


def _situation() -> AppSituation:
    host, app = SimHost(), app_of(instances=2)
    host.add(app, 0)
    return AppSituation.of(app, host.processes(), record(AppMemory(), app), Moment(host.now))


def test_the_processes_are_sorted_once_and_again_where_another_revision_is_to_run() -> None:
    at = _situation()
    assert at.replicas is at.replicas
    assert at.after(replace(at.memory, paused=True)).replicas is at.replicas
    edit = app_of(command="b", instances=2)
    edited = replace(at.after(record(at.memory, edit)), app=edit)
    assert len(edited.replicas.old) == 1
    assert len(at.replicas.current) == 1, "the situation before stays as it was"


def test_what_says_nothing_new_is_the_same_situation() -> None:
    at = _situation()
    assert at.after(at.memory) is at
    told = at.after(at.memory, Event("web", "Test", "a sentence"))
    assert (told.memory, [event.reason for event in told.events]) == (at.memory, ["Test"])
    assert at.events == ()


def test_a_revision_that_memory_has_yet_to_note_is_what_runs() -> None:
    host, app = SimHost(), app_of()
    host.add(app, 0)
    at = AppSituation.of(app, host.processes(), AppMemory(), Moment(host.now))
    assert at.replicas.target == app.hash and len(at.replicas.current) == 1
