"""A revision whose port its predecessor holds fails at once where it can never have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.core.replicas import Replicas
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.rollout import port_conflict
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.observed import PortHeld, RunState, Tag
from tests.diff.simhost import PROBE, Behaviour, SimHost, app_of

NEVER = {"b": Behaviour(ready_after=None), "c": Behaviour(ready_after=0.0, crash_after=0.0)}


class Roll(NamedTuple):
    """A rollout as far as it goes by itself: of an app that serves, to one that is never ready."""

    host: SimHost
    app: DesiredApp

    @property
    def memory(self) -> AppMemory:
        return self.host.memory["web"]

    def sorted(self) -> Replicas:
        return self.at().replicas

    def at(
        self, *ports: PortHeld, after: float = 0.0, memory: AppMemory | None = None
    ) -> AppSituation:
        moment = Moment(self.host.now + after, ports={"web": ports})
        return AppSituation.of(self.app, self.host.processes(), memory or self.memory, moment)

    def held(self, **changes: Any) -> tuple[PortHeld, ...]:
        """Each new instance that is not ready is kept from its port by the first old one."""
        found = self.sorted()
        down = [one for one in found.current if one.tag.nonce not in found.up]
        first = PortHeld(down[0].tag, 80, found.old[0].tag, 41, True, self.host.now)
        return tuple(replace(first, probed=one.tag, **changes) for one in down)

    def judged(self, *ports: PortHeld, after: float = port_conflict.PATIENCE) -> bool:
        """Whether the revision has failed for them; asserts that both questions agree."""
        at = self.at(*ports, after=after)
        due = port_conflict.look_again_at(at)
        judged = port_conflict.judge(at)
        failed = bool(judged.revision.failed)
        assert failed is (due is not None and due <= at.now) is bool(judged.events)
        return failed


def rolled(**spec: Any) -> Roll:
    host = SimHost(NEVER)
    spec = {"readinessProbe": PROBE, **spec}
    host.settle(app_of(command="a", **spec))
    app = app_of(command="b", **spec)
    host.run_for(1.0, app)
    return Roll(host, app)


def test_a_new_process_that_an_old_one_keeps_from_its_port_has_failed_after_its_patience() -> None:
    roll = rolled()
    [held] = roll.held()
    assert not roll.judged(held, after=port_conflict.PATIENCE - 0.1)
    assert roll.judged(held)
    [event] = port_conflict.judge(roll.at(held, after=port_conflict.PATIENCE)).events
    assert event.reason == Failure.PORT
    assert event.message == (
        f"revision 2 cannot listen: port 80 is held by web-0 (pid 41, revision 1). "
        f"{port_conflict.REMEDY}"
    )


def test_another_app_that_has_the_port_is_named_with_another_remedy() -> None:
    roll = rolled()
    [held] = roll.held(holder=Tag("store", "api", 0, "hash", "other"))
    assert roll.judged(held)
    assert "Choose another port, or add api to dependsOn" in port_conflict.remedy_of(held)


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        ({}, {"exclusive": False}),
        ({"strategy": {"type": "Recreate"}}, None),
        ({"strategy": {"maxSurge": 0, "maxUnavailable": 1}}, None),
    ],
    ids=["it shares the port", "Recreate", "the old one goes first"],
)
def test_what_can_have_its_port_yet_has_not_failed(
    spec: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    roll = rolled(**spec)
    found = roll.sorted()
    ports = roll.held(**changes) if changes is not None else ()
    if changes is None:
        asked = found.current[0].tag if found.current else Tag("s", "web", 0, roll.app.hash, "n")
        old = Tag("s", "web", 0, "old", "gone")
        ports = (PortHeld(asked, 80, old, 41, True, roll.host.now),)
    assert not roll.judged(*ports, after=1000)


def test_nothing_is_judged_while_something_is_on_its_way_out() -> None:
    roll = rolled(instances=2)
    ports = roll.held()
    leaving = roll.sorted().old[-1]
    sim = roll.host.sims[leaving.tag.nonce]
    sim.process = replace(leaving, state=RunState.STOPPING, stopping_at=roll.host.now)
    assert not roll.judged(*ports, after=1000)


def test_a_paused_a_good_and_a_failed_revision_are_judged_no_more() -> None:
    roll = rolled()
    ports = roll.held()
    assert roll.judged(*ports)
    last = roll.memory.revisions[-1]
    for changed in (
        replace(roll.memory, paused=True),
        replace(roll.memory, revisions=(*roll.memory.revisions[:-1], replace(last, good=True))),
    ):
        at = roll.at(*ports, after=1000, memory=changed)
        assert port_conflict.judge(at) is at


counts = st.integers(1, 4)


@given(counts, st.sets(st.integers(0, 3)), st.floats(0, 20), st.booleans())
def test_it_fails_only_where_every_instance_that_is_down_is_kept_out(
    instances: int, kept_out: set[int], after: float, exclusive: bool
) -> None:
    roll = rolled(instances=instances, strategy={"maxSurge": "100%", "maxUnavailable": 0})
    every = roll.held(exclusive=exclusive)
    ports = tuple(one for one in every if one.probed.instance in kept_out)
    expected = exclusive and ports == every and after >= port_conflict.PATIENCE
    assert roll.judged(*ports, after=after) is expected


@given(st.permutations(range(3)))
def test_the_order_in_which_ports_are_told_makes_no_difference(order: list[int]) -> None:
    roll = rolled(instances=3, strategy={"maxSurge": "100%", "maxUnavailable": 0})
    ports = roll.held()
    shuffled = tuple(ports[number] for number in order)
    one, other = (port_conflict.judge(roll.at(*found, after=10)) for found in (ports, shuffled))
    assert (one.memory, one.events) == (other.memory, other.events)
    assert one.events


@given(counts, st.floats(0, 1000))
def test_what_it_gives_up_keeps_what_serves(instances: int, after: float) -> None:
    """After the judgement the plan ends the new ones alone, and all the old ones serve on."""
    roll = rolled(instances=instances)
    ports, old = roll.held(), {one.tag.nonce for one in roll.sorted().old}
    judged = port_conflict.judge(roll.at(*ports, after=after))
    roll.host.memory["web"] = judged.memory
    if judged.events:
        made = roll.host.look(Desired({"web": roll.app}))
        ended = {a.process.tag.nonce for a in made.apps[0].actions if hasattr(a, "process")}
        assert not ended & old
