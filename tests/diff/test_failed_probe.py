"""A process whose liveness or startup probe failed: it goes, and that counts as a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff.core.backoff import after_exit
from reconciler.diff.plan import plan
from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Observed, Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import AppPlan, End, Start
from tests.diff.simhost import app_of

WHY = "liveness probe failed: HTTP 500 from /health"
NOW = 1000.0


def process(hash: str, number: int = 0, **state: Any) -> Process:
    tag = Tag("s", "web", number, hash, f"n{number}{hash}")
    return Process(tag, ProcessId(10 + number, 1), 900.0, ready_at=900.0, **state)


def planned(app: Any, *processes: Process, memory: AppMemory | None = None) -> AppPlan:
    made = plan(Desired({"web": app}), Observed(processes), {"web": memory or AppMemory()}, NOW)
    return made.apps[0]


@pytest.mark.parametrize(
    "strategy",
    [{"type": "Recreate"}, {"maxUnavailable": 0, "maxSurge": 1}, {"maxUnavailable": "100%"}],
)
def test_it_is_ended_whatever_the_strategy_says_and_only_it(strategy: dict[str, Any]) -> None:
    app = app_of(instances=2, strategy=strategy)
    bad, good = process(app.hash, 0, failed=WHY), process(app.hash, 1)
    found = planned(app, bad, good)
    assert [a for a in found.actions if isinstance(a, End)] == [End(bad, WHY)]
    assert WHY in [drift.detail for drift in found.status.drift] or bad.ready


def test_one_of_an_old_revision_goes_as_well_and_is_told_once() -> None:
    old, app = app_of(command="a"), app_of(command="b")
    memory = planned(old, process(old.hash)).memory
    bad = process(old.hash, failed=WHY)
    ends = [a for a in planned(app, bad, memory=memory).actions if isinstance(a, End)]
    assert ends == [End(bad, WHY)]


def test_its_end_counts_as_a_crash_however_it_took_the_signal() -> None:
    app = app_of()
    memory = planned(app, process(app.hash)).memory
    stopping = process(app.hash, failed=WHY, state=RunState.STOPPING)
    for exit in (Exit(0), Exit(signal=15)):
        later = after_exit(memory, stopping, exit, app.spec, target=app.hash, now=NOW)
        ended = later.ended[0]
        assert (ended.failures, ended.message, ended.retry_at) == (1, WHY, NOW)
        again = after_exit(later, stopping, exit, app.spec, target=app.hash, now=NOW)
        assert again.ended[0].failures == 2 and (again.ended[0].retry_at or 0) > NOW


def test_a_stop_that_was_asked_for_leaves_no_trace_as_ever() -> None:
    app = app_of()
    memory = planned(app, process(app.hash)).memory
    stopping = process(app.hash, state=RunState.STOPPING)
    assert after_exit(memory, stopping, Exit(0), app.spec, target=app.hash, now=NOW) is memory


def test_its_successor_starts_when_it_is_gone_with_its_reason() -> None:
    app = app_of()
    memory = planned(app, process(app.hash)).memory
    stopping = process(app.hash, failed=WHY, state=RunState.STOPPING)
    assert planned(app, stopping, memory=memory).actions == ()
    memory = after_exit(memory, stopping, Exit(0), app.spec, target=app.hash, now=NOW)
    [start] = planned(app, memory=memory).actions
    assert start == Start(0, app.hash, f"restarted after {WHY}")


@pytest.mark.parametrize("policy", ["OnFailure", "Never"])
def test_restart_policy_takes_it_for_a_failure(policy: str) -> None:
    app = app_of(restartPolicy=policy)
    memory = planned(app, process(app.hash)).memory
    stopping = replace(process(app.hash), failed=WHY, state=RunState.STOPPING)
    ended = after_exit(memory, stopping, Exit(0), app.spec, target=app.hash, now=NOW).ended[0]
    assert (ended.retry_at is not None) == (policy == "OnFailure")
