"""The arithmetic of a rolling update: Kubernetes' own, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.spec.strategy import Strategy
from reconciler.model.state.desired import Desired
from reconciler.model.state.plan import End, Start
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of


@pytest.mark.parametrize(
    ("surge", "unavailable", "wanted", "expected"),
    [
        # Kubernetes: deployment util, TestResolveFenceposts' rules
        ("0%", "0%", 10, (0, 1)),
        ("39%", "39%", 10, (4, 3)),
        ("0%", "39%", 10, (0, 3)),
        ("39%", "0%", 10, (4, 0)),
        # the defaults, at the sizes people run
        ("25%", "25%", 1, (1, 0)),
        ("25%", "25%", 2, (1, 0)),
        ("25%", "25%", 3, (1, 0)),
        ("25%", "25%", 4, (1, 1)),
        ("25%", "25%", 10, (3, 2)),
        # numbers, and never more down than there are
        (0, 0, 3, (0, 1)),
        (2, 1, 3, (2, 1)),
        (0, 5, 3, (0, 3)),
        ("100%", "100%", 3, (3, 3)),
        (0, 0, 0, (0, 0)),
        ("150%", 0, 2, (3, 0)),
    ],
)
def test_fenceposts(
    surge: str | int, unavailable: str | int, wanted: int, expected: tuple[int, int]
) -> None:
    strategy = Strategy.model_validate({"maxSurge": surge, "maxUnavailable": unavailable})
    assert fenceposts(strategy, wanted) == expected


def _roll(**spec: Any) -> list[str]:
    """The starts and ends of one whole roll, as ``+0`` and ``-0``."""
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=1)})
    spec = {"readinessProbe": PROBE, **spec}
    host.settle(app_of(command="a", **spec))
    desired, told, more = Desired({"web": app_of(command="b", **spec)}), [], True
    while more:
        made, more = host.pass_once(desired)
        for action in made.apps[0].actions:
            if isinstance(action, Start):
                told.append(f"+{action.instance}")
            elif isinstance(action, End):
                told.append(f"-{action.process.tag.instance}")
    return told


def test_with_the_defaults_each_instance_gets_its_successor_before_it_goes() -> None:
    assert _roll(instances=2) == ["+0", "-0", "+1", "-1"]


def test_without_surge_each_instance_goes_before_its_successor_comes() -> None:
    strategy = {"maxSurge": 0, "maxUnavailable": 1}
    assert _roll(instances=3, strategy=strategy) == ["-0", "+0", "-1", "+1", "-2", "+2"]


def test_all_at_once_where_that_is_allowed() -> None:
    strategy = {"maxSurge": 0, "maxUnavailable": "100%"}
    assert _roll(instances=2, strategy=strategy) == ["-0", "-1", "+0", "+1"]


def test_unhealthy_old_ones_go_first_and_cost_no_availability() -> None:
    spec: dict[str, Any] = {"instances": 3, "readinessProbe": PROBE}
    host = SimHost()
    old = app_of(command="a", **spec)
    host.settle(old)
    sick = host.processes()[1]
    sim = host.sims[sick.tag.nonce]
    sim.process = type(sick)(sick.tag, sick.id, sick.started_at, ready=False)
    sim.behaviour = Behaviour(ready_after=None)
    new = app_of(command="b", **spec)
    order: list[int] = []
    for _ in range(20):
        made, more = host.pass_once(Desired({"web": new}))
        order += [a.process.tag.instance for a in made.apps[0].actions if isinstance(a, End)]
        if not more:
            break
    assert order[0] == 1
    assert sorted(order) == [0, 1, 2]


def test_a_number_in_backoff_keeps_its_place_in_the_surge() -> None:
    host = SimHost({"a": Behaviour(), "b": Behaviour(ready_after=None, crash_after=0.5)})
    spec: dict[str, Any] = {"instances": 3, "readinessProbe": PROBE}
    host.settle(app_of(command="a", **spec))
    host.started.clear()
    host.run_for(100, app_of(command="b", **spec))
    assert {process.tag.instance for process in host.started} == {0}
    assert len([p for p in host.processes() if p.ready]) == 3


def test_a_process_that_ignores_its_stop_still_takes_its_place() -> None:
    """Without surge its successor starts when it is gone, not when it was told to go."""
    host = SimHost({"a": Behaviour(ignores_stop=30)})
    strategy = {"maxSurge": 0, "maxUnavailable": 1}
    host.settle(app_of(command="a", instances=1, strategy=strategy))
    new = app_of(command="b", instances=1, strategy=strategy)
    host.started.clear()
    host.run_for(29, new)
    assert host.started == []
    host.settle(new)
    assert len(host.started) == 1


def test_numbers_that_nobody_holds_are_started_first() -> None:
    host = SimHost()
    host.settle(app_of(command="a", instances=2))
    made = host.look(Desired({"web": app_of(command="b", instances=4)}))
    starts = [a.instance for a in made.apps[0].actions if isinstance(a, Start)]
    assert starts == [2, 3, 0]
