"""A frozen rollout: what runs counts as current, of any revision; only open numbers may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.rollout.freeze import MayRun, freeze
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory, Ended, Eviction
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.state.revision import Revision
from tests.diff.simhost import TOO_MUCH, SimHost, app_of

OLD, NEW = app_of(command="a", instances=3), app_of(command="b", instances=3)
MEMORY = AppMemory(
    (
        Revision(1, OLD.hash, {"command": ["a"]}, good=True),
        Revision(2, NEW.hash, {"command": ["b"]}),
    )
)


def _held(
    host: SimHost,
    open_numbers: frozenset[int] = frozenset(),
    may_run: MayRun = lambda hash: True,
    **memory: Any,
) -> Hold:
    remembered = replace(MEMORY, **memory)
    host.advance(10)
    at = AppSituation.of(NEW, host.processes(), remembered, Moment(host.now))

    def candidates(number: int, kept: Sequence[Process]) -> list[str]:
        return [OLD.hash]

    return freeze(at, "pause", "held", candidates, may_run, open_numbers=open_numbers)


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


@pytest.mark.parametrize("allowed, hashes", [(OLD, {0: OLD.hash, 1: OLD.hash}), (NEW, {})])
def test_a_revision_that_may_not_run_now_is_not_started_whatever_was_lost(
    allowed: DesiredApp, hashes: dict[int, str]
) -> None:
    host = SimHost()
    host.add(NEW, 0, ready=None)
    host.add(OLD, 2)
    lost = Ended(OLD.hash, Exit(signal=9), at=host.now, failures=1, retry_at=host.now)
    found = _held(host, may_run=lambda hash: hash == allowed.hash, ended={0: lost})
    assert found.hashes == hashes


@pytest.mark.parametrize("may_run", [True, False])
def test_what_outgrew_its_memory_stays_where_no_successor_may_be_started(may_run: bool) -> None:
    host = SimHost()
    for number in range(3):
        host.add(OLD, number, outgrown=TOO_MUCH if number == 1 else "")
    evictions = {1: Eviction(OLD.hash, None, "n2", 0.0, host.now, 1, host.now, "")}
    found = _held(host, may_run=lambda hash: may_run, evictions=evictions)
    assert bool(found.replicas.evicted) == may_run
    assert found.hashes == ({1: OLD.hash} if may_run else {})
