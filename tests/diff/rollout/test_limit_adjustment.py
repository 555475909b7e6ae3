"""Limits in place: what differs is put in force once, and what cannot be is told, not retried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.rollout.limit_adjustment import adjustments, drift_of, remember, stuck
from reconciler.model.spec.limits import Value, wanted
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import DriftKind, Observed, Process, ProcessId, RunState, Tag
from reconciler.model.state.plan import Adjust, Sync
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


def at(
    *processes: Process,
    limited: tuple[str, ...] = (),
    inherited: dict[str, Value] = INHERITED,
    **limits: Any,
) -> AppSituation:
    """An app with these limits; ``limited``: fields that were looked at before."""
    moment = Moment(0.0, observed=Observed(inherited=inherited))
    return AppSituation.of(app_of(limits=limits), processes, AppMemory(limited=limited), moment)


def process(**changes: Any) -> Process:
    made = Process(Tag("s", "web", 0, "h", "n"), ProcessId(7, 1), 0.0)
    return replace(made, **changes)


def due(*processes: Process, limited: tuple[str, ...] = (), **limits: Any) -> list[Adjust]:
    return [*adjustments(remember(at(*processes, limited=limited, **limits)))]


def test_a_limit_that_differs_is_put_in_force_and_told() -> None:
    (action,) = due(process(limits={"nice": 0, "cpu": "2"}), nice=5, cpu="2")
    assert action.values == {"nice": 5}
    assert action.changes == {"nice": "limits.nice 0 → 5"}


def test_what_was_never_declared_is_left_alone() -> None:
    assert due(process(limits={"nice": 15})) == []


def test_what_could_not_be_read_is_not_known_to_differ() -> None:
    assert due(process(), nice=5) == []


def test_who_is_on_its_way_out_is_left_alone() -> None:
    leaving = process(limits={"nice": 0}, state=RunState.STOPPING)
    assert due(leaving, nice=5) == []


def test_what_is_not_declared_any_more_goes_back_once() -> None:
    looked = process(limits={"nice": 5})
    assert due(looked, limited=("nice",))[0].values == {"nice": 0}
    before = at(looked, limited=("nice",))
    assert remember(before) is before
    back = process(limits={"nice": 0})
    assert remember(at(back, limited=("nice",))).memory.limited == ()
    assert remember(at(limited=("nice",))).memory.limited == (), "of what is gone nothing is left"


def test_without_knowledge_of_what_is_inherited_nothing_goes_back() -> None:
    before = at(process(limits={"nice": 5}), limited=("nice",), inherited={})
    assert remember(before) is before
    assert [*adjustments(before)] == []


def test_what_was_refused_stays_drift_and_is_not_tried_again() -> None:
    refused = process(limits={"nice": 0}, unadjusted={"nice": (-5, "it needs CAP_SYS_NICE")})
    assert due(refused, nice=-5) == []
    (drift,) = drift_of(at(refused, nice=-5))
    assert drift.kind is DriftKind.IN_PLACE
    assert drift.detail == "limits.nice is 0 on pid 7, -5 wanted; it needs CAP_SYS_NICE"
    assert stuck(at(refused, nice=-5)) == "limits.nice of web-0: it needs CAP_SYS_NICE"
    assert len(due(refused, nice=-6)) == 1, "another value is tried"


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
