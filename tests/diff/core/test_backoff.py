"""Backoff (design.md#backoff): at once, then the ladder; forgiven, forgotten by an edit, kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.backoff import after_exit, after_failed_start, delay, holds
from reconciler.model.spec.lifecycle import Backoff
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import Start
from reconciler.model.words.sentence import Sentence
from tests.diff.simhost import Behaviour, SimHost, app_of

APP = app_of()
DEFAULT = Backoff()


def _crash(
    memory: AppMemory, started: float, now: float, number: int = 0, hash: str = APP.hash
) -> AppMemory:
    process = Process(Tag("s", "web", number, hash, f"n{now}"), ProcessId(9, 9), started)
    return after_exit(memory, process, Exit(1), APP.spec, target=APP.hash, now=now)


def test_the_first_crash_is_restarted_at_once() -> None:
    ended = _crash(AppMemory(), 0, 50).ended[0]
    assert (ended.failures, ended.retry_at) == (1, 50)


@given(st.integers(2, 500), st.text())
def test_the_ladder_doubles_within_its_jitter_up_to_the_cap(failures: int, seed: str) -> None:
    full = min(2.0 ** min(failures - 2, 64), 60)
    wait = delay(DEFAULT, failures, seed)
    assert 0.8 * full <= wait <= min(1.2 * full, 60)
    assert wait == delay(DEFAULT, failures, seed)


def test_jitter_parts_those_that_fell_together() -> None:
    assert len({delay(DEFAULT, 5, f"nonce-{n}") for n in range(100)}) > 90


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 10_000))
def test_no_wait_exceeds_the_maximum(initial: float, cap: float, failures: int) -> None:
    backoff = Backoff.model_validate({"initialSeconds": initial, "maxSeconds": cap})
    assert 0 <= delay(backoff, failures, "x") <= cap


def test_crashes_in_a_row_count_until_one_ran_long_enough() -> None:
    memory = AppMemory()
    for count, now in enumerate((10.0, 20.0, 30.0), 1):
        memory = _crash(memory, now - 1, now)
        assert memory.ended[0].failures == count
    assert _crash(memory, 30, 30 + 599).ended[0].failures == 4
    assert _crash(memory, 30, 30 + 600).ended[0].failures == 1


def test_each_instance_climbs_its_own_ladder() -> None:
    memory = _crash(_crash(AppMemory(), 0, 1), 1, 2)
    assert _crash(memory, 1, 3, number=1).ended[1].failures == 1


def test_an_edit_clears_it() -> None:
    memory = _crash(_crash(AppMemory(), 0, 1), 1, 2)
    assert holds(memory, 0, app_of(command="other").hash) is None


def test_a_process_of_a_revision_that_is_left_leaves_no_trace() -> None:
    memory = AppMemory()
    assert _crash(memory, 0, 1, hash="000000000000.-") is memory


def test_a_process_that_was_being_stopped_leaves_no_trace() -> None:
    tag = Tag("s", "web", 0, APP.hash, "n")
    process = Process(tag, ProcessId(9, 9), 0, RunState.STOPPING)
    memory = AppMemory()
    assert after_exit(memory, process, Exit(0), APP.spec, target=APP.hash, now=5) is memory


def test_it_survives_a_restart_of_the_controller() -> None:
    host = SimHost({"a": Behaviour(crash_after=0.2)})
    host.run_for(40, APP)
    before = host.memory["web"].ended[0].failures
    assert before >= 5
    tried = len(host.started)
    host.restart_controller()
    host.run_for(0.5, APP)
    assert len(host.started) == tried
    host.run_for(200, APP)
    assert host.memory["web"].ended[0].failures > before


def test_a_crash_loop_is_tried_as_often_as_the_ladder_says() -> None:
    host = SimHost({"a": Behaviour(crash_after=0.0)})
    host.run_for(3600, app_of(progressDeadlineSeconds=100_000))
    # 2 at once, 6 rungs below the cap within 76 s, then one in 48 to 60 s.
    assert 60 <= len(host.started) <= 85


def test_a_program_that_cannot_be_started_begins_at_the_second_rung() -> None:
    memory = after_failed_start(
        AppMemory(), Start(0, APP.hash, ""), Sentence("not found"), APP.spec, 100
    )
    ended = memory.ended[0]
    assert ended.message == "not found"
    assert ended.retry_at == pytest.approx(101, abs=0.2)
    again = after_failed_start(memory, Start(0, APP.hash, ""), Sentence("not found"), APP.spec, 200)
    assert again.ended[0].failures == 2


def test_an_unknown_exit_counts_as_a_failure() -> None:
    app = app_of(restartPolicy="OnFailure")
    process = Process(Tag("s", "web", 0, app.hash, "n"), ProcessId(9, 9), 0)
    memory = after_exit(AppMemory(), process, Exit(), app.spec, target=app.hash, now=5)
    assert memory.ended[0].retry_at == 5
    assert memory.ended[0].message == "exit unknown"


def test_restarts_are_counted_over_edits() -> None:
    memory = _crash(_crash(AppMemory(), 0, 1), 1, 2)
    assert memory.restarts == {0: 2}
