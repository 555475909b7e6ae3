"""A frozen rollout: what runs counts as current, of any revision; only open numbers may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.rollout.freeze import freeze
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import RunState
from reconciler.model.state.revision import Revision
from tests.diff.simhost import SimHost, app_of

OLD, NEW = app_of(command="a", instances=3), app_of(command="b", instances=3)
MEMORY = AppMemory(
    (
        Revision(1, OLD.hash, {"command": ["a"]}, good=True),
        Revision(2, NEW.hash, {"command": ["b"]}),
    )
)


def _held(host: SimHost, open_numbers: frozenset[int] = frozenset(), **memory: Any) -> Hold:
    remembered = replace(MEMORY, **memory)
    host.advance(10)
    at = AppSituation.of(NEW, host.processes(), remembered, Moment(host.now))
    return freeze(at, "pause", "held", lambda number, kept: OLD.hash, open_numbers=open_numbers)


def test_what_runs_is_kept_and_what_is_missing_comes_back_as_it_was() -> None:
    host = SimHost()
    host.add(NEW, 0)
    host.add(OLD, 1)
    found = _held(host)
    assert [p.tag.instance for p in found.replicas.current] == [0, 1]
    assert (found.replicas.old, found.replicas.eligible) == ((), (2,))
    assert found.hashes == {2: OLD.hash}
    assert not found.is_whole


def test_an_open_number_makes_room_for_the_new_revision() -> None:
    host = SimHost()
    for number in range(3):
        host.add(OLD, number)
    found = _held(host, frozenset({1}))
    assert [p.tag.instance for p in found.replicas.old] == [1]
    assert found.hashes == {1: NEW.hash}


def test_old_and_new_of_one_number_are_both_kept_and_a_twin_is_not() -> None:
    host = SimHost()
    for app, number in ((OLD, 0), (NEW, 0), (OLD, 1), (OLD, 1), (OLD, 2), (OLD, 3)):
        host.add(app, number)
    found = _held(host)
    assert len(found.replicas.current) == 4
    assert sorted(p.tag.instance for p in found.replicas.extra) == [1, 3]


def test_a_number_waits_for_its_own_predecessor_to_go() -> None:
    host = SimHost()
    for number in range(3):
        host.add(OLD, number)
    leaving = host.add(OLD, 2)
    host.kill(host.processes()[2], heard=False)
    sim = host.sims[leaving.tag.nonce]
    sim.process = replace(sim.process, state=RunState.STOPPING, stopping_at=host.now)
    sim.behaviour = replace(sim.behaviour, ignores_stop=100)
    found = _held(host)
    assert (found.replicas.blocked, found.replicas.eligible) == ((2,), ())
