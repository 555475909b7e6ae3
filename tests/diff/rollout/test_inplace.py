"""Limits in place: what differs is put in force once, and what cannot be is told, not retried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.rollout.inplace import adjustments, drift_of, remember, stuck
from reconciler.model.spec.limits import Limits, Value, wanted
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import Adjust, DriftKind, Sync
from tests.diff.simhost import INHERITED, SimHost, actions, app_of

LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "nice": st.integers(0, 3),
        "openFiles": st.sampled_from([100, 1024, 4096]),
        "cpu": st.sampled_from(["0.5", "1"]),
        "cpuAffinity": st.sampled_from(["0", "0-1"]),
    },
)
REFUSED = st.frozensets(st.sampled_from(["nice", "openFiles", "cpu", "cpuAffinity"]))


def spec_of(**limits: Any) -> AppSpec:
    return AppSpec(command=("a",), limits=Limits.model_validate(limits))


def process(**changes: Any) -> Process:
    made = Process(Tag("s", "web", 0, "h", "n"), ProcessId(7, 1), 0.0)
    return replace(made, **changes)


def due(spec: AppSpec, *processes: Process, limited: tuple[str, ...] = ()) -> list[Adjust]:
    memory = remember(spec, processes, AppMemory(limited=limited), INHERITED)
    return [*adjustments(spec, processes, memory, INHERITED)]


def test_a_limit_that_differs_is_put_in_force_and_told() -> None:
    (action,) = due(spec_of(nice=5, cpu="2"), process(limits={"nice": 0, "cpu": "2"}))
    assert action.values == {"nice": 5}
    assert action.changes == {"nice": "limits.nice 0 → 5"}


def test_what_was_never_declared_is_nobodys_business() -> None:
    assert due(spec_of(), process(limits={"nice": 15})) == []


def test_what_could_not_be_read_is_not_known_to_differ() -> None:
    assert due(spec_of(nice=5), process()) == []


def test_who_is_on_its_way_out_is_left_alone() -> None:
    leaving = process(limits={"nice": 0}, state=RunState.STOPPING)
    assert due(spec_of(nice=5), leaving) == []


def test_what_is_not_declared_any_more_goes_back_once() -> None:
    spec, looked = spec_of(), process(limits={"nice": 5})
    assert due(spec, looked, limited=("nice",))[0].values == {"nice": 0}
    memory = AppMemory(limited=("nice",))
    assert remember(spec, [looked], memory, INHERITED) is memory
    back = process(limits={"nice": 0})
    assert remember(spec, [back], memory, INHERITED).limited == ()
    assert remember(spec, [], memory, INHERITED).limited == (), "of what is gone nothing is left"


def test_without_knowledge_of_what_is_inherited_nothing_goes_back() -> None:
    memory = AppMemory(limited=("nice",))
    looked = [process(limits={"nice": 5})]
    assert remember(spec_of(), looked, memory, {}) is memory
    assert [*adjustments(spec_of(), looked, memory, {})] == []


def test_what_was_refused_stays_drift_and_is_not_tried_again() -> None:
    spec = spec_of(nice=-5)
    refused = process(limits={"nice": 0}, unadjusted={"nice": (-5, "it takes CAP_SYS_NICE")})
    assert due(spec, refused) == []
    (drift,) = drift_of(spec, [refused], AppMemory(), INHERITED)
    assert drift.kind is DriftKind.IN_PLACE
    assert drift.detail == "limits.nice is 0 on pid 7, -5 wanted; it takes CAP_SYS_NICE"
    assert stuck(spec, [refused]) == "limits.nice of web-0: it takes CAP_SYS_NICE"
    assert len(due(spec_of(nice=-6), refused)) == 1, "another value is tried"


def _by_hand(host: SimHost, values: dict[str, Value]) -> None:
    for nonce in host.sims:
        host.limits[nonce] = {**host.limits.get(nonce, {}), **values}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LIMITS, LIMITS, REFUSED), min_size=1, max_size=4))
def test_after_adjusting_the_plan_is_empty_whatever_the_kernel_says(
    edits: list[tuple[dict[str, Value], dict[str, Value], frozenset[str]]],
) -> None:
    """Any edits, changes by hand in between, and refusals: it comes to rest, each limit is in
    force or was refused, and no process is replaced."""
    host = SimHost()
    host.settle(app_of(instances=2))
    before = host.running()
    for declared, by_hand, refuses in edits:
        host.refuses = refuses
        app = app_of(instances=2, limits=declared)
        _by_hand(host, by_hand)
        host.settle(app, passes=30)
        assert host.running() == before
        made = host.look(Desired({"web": app}))
        assert not [*actions(made)]
        want = wanted(app.spec.limits)
        for nonce, sim in host.sims.items():
            in_force = {**INHERITED, **host.limits.get(nonce, {})}
            for field, value in want.items():
                refused = sim.process.unadjusted.get(field, (None,))[0] == value
                assert in_force[field] == value or refused
        kinds = {drift.kind for drift in made.apps[0].status.drift}
        assert kinds <= {DriftKind.IN_PLACE}
        assert (made.apps[0].status.sync is Sync.SYNCED) is (not kinds)


@settings(max_examples=60, deadline=None)
@given(LIMITS, LIMITS)
def test_a_new_process_has_its_limits_from_birth(
    first: dict[str, Value], then: dict[str, Value]
) -> None:
    host = SimHost()
    host.settle(app_of(limits=first))
    edited: DesiredApp = app_of(command="b", limits=then)
    host.settle(edited)
    (nonce,) = host.sims
    assert host.limits[nonce].items() >= wanted(edited.spec.limits).items()
    assert not [one for one in host.adjusted if one.process.tag.nonce == nonce]
