"""Recreate: never old and new at once."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from reconciler.model.state.desired import Desired
from tests.diff.simhost import Behaviour, SimHost, app_of, fresh
from tests.diff.strategies import edited, good, specs

RECREATE: dict[str, Any] = {"strategy": {"type": "Recreate"}}


@given(specs(), good, good)
def test_old_and_new_are_never_there_at_once(
    spec: dict[str, Any], a: Behaviour, b: Behaviour
) -> None:
    old, new = edited(spec, "a", **RECREATE), edited(spec, "b", **RECREATE)
    host = SimHost({"a": a, "b": b})
    host.settle(old)
    for _ in range(100):  # the simulated host checks each start as well
        _, more = host.pass_once(Desired({"web": new}))
        assert len({process.tag.hash for process in host.processes()}) <= 1
        if not more:
            break
    assert host.running() == fresh(new)


def test_a_crash_is_made_good_while_another_of_the_same_revision_is_still_stopping() -> None:
    host = SimHost({"a": Behaviour(ignores_stop=30)})
    host.settle(app_of(instances=3, **RECREATE))
    scaled = app_of(instances=2, **RECREATE)
    host.pass_once(Desired({"web": scaled}))
    first = next(p for p in host.processes() if p.tag.instance == 0)
    host.kill(first)
    host.started.clear()
    host.run_for(1, scaled)
    assert [process.tag.instance for process in host.started] == [0]


def test_a_requested_restart_stops_all_before_it_starts_any() -> None:
    host = SimHost({"a": Behaviour(ignores_stop=3)})
    app = app_of(instances=2, **RECREATE)
    host.settle(app)
    host.advance(1)
    host.request_restart()
    host.started.clear()
    host.run_for(2, app)
    assert host.started == []
    host.settle(app)
    assert len(host.started) == 2
