"""An app's processes, sorted: who is current, who must go, which numbers may be started."""

from __future__ import annotations

from typing import Any

from reconciler.diff.core.history import record
from reconciler.diff.core.replicas import Replicas, sort
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import RunState
from tests.diff.simhost import SimHost, app_of

OLD = "0123456789ab.-"


def _sorted(host: SimHost, app: DesiredApp) -> Replicas:
    memory = record(AppMemory(), app)
    return sort(app.spec, app.hash, host.processes(), memory, host.now)


def test_a_number_is_not_started_while_its_last_process_of_this_revision_is_stopping() -> None:
    host, app = SimHost(), app_of(instances=2, strategy={"maxSurge": 5})
    host.add(app, 0, state=RunState.STOPPING, stopping_at=host.now)
    replicas = _sorted(host, app)
    assert (replicas.blocked, replicas.eligible) == ((0,), (1,))


def test_of_another_revision_it_only_comes_last() -> None:
    host, app = SimHost(), app_of(instances=2)
    host.add(app, 0, OLD, state=RunState.STOPPING, stopping_at=host.now)
    replicas = _sorted(host, app)
    assert (replicas.blocked, replicas.eligible) == ((), (1, 0))
    assert replicas.leaving_old


def test_each_process_is_in_one_list_only() -> None:
    host, app = SimHost(), app_of(instances=2)
    states: list[tuple[int, str | None, RunState]] = [
        (0, None, RunState.RUNNING),
        (0, None, RunState.RUNNING),  # taken
        (7, None, RunState.RUNNING),  # too high
        (1, OLD, RunState.FROZEN),
        (1, None, RunState.STOPPING),
    ]
    for number, hash, state in states:
        more: dict[str, Any] = {"stopping_at": host.now} if state is RunState.STOPPING else {}
        host.add(app, number, hash, state=state, **more)
    r = _sorted(host, app)
    counts = [len(each) for each in (r.current, r.extra, r.old, r.stopping, r.spared)]
    assert counts == [1, 2, 1, 1, 0]
    assert not r.settled


def test_a_start_that_an_earlier_controller_began_is_not_up() -> None:
    """No probe was begun for it: only that its program runs could make it ready."""
    host, app = SimHost(), app_of(instances=2)
    host.add(app, 0)
    host.add(app, 1, starting=True)
    host.now += 100
    replicas = _sorted(host, app)
    assert len(replicas.current) == 2 and len(replicas.up) == 1
