"""What waits changes nothing: the count from before stays, all else of the edit goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff import admission
from reconciler.diff.core.dependencies import look_at
from reconciler.diff.plan import plan
from reconciler.model.host.load import Shortage, Verdicts, Withheld
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.observed import Observed
from reconciler.model.state.plan import AppPlan, End, Health, Start, Sync
from reconciler.model.state.standing import Obstacle, ObstacleReason
from tests.diff.jobhost import WELL, JobHost, job_of
from tests.diff.simhost import SimHost, app_of

NO_ROOM = Withheld(0, 0, Shortage.MEMORY, 120 << 30, 20 << 30, 12 << 20, measured=True)

UNCONFIRMED = Obstacle(ObstacleReason.UNCONFIRMED, "waits for `recon apply --confirm-load`")


def _held(count: int, before: int) -> Withheld:
    return replace(NO_ROOM, count=count, before=before)


def _look(host: SimHost, app: Workload, verdicts: Verdicts | None = None) -> AppPlan:
    """One look, whose memory is kept. ``verdicts``: on rises."""
    desired, observed = Desired({app.name: app}), Observed(host.processes())
    made = plan(desired, observed, host.memory, host.now, loads=verdicts or {}, wall=host.wall)
    host.memory[app.name] = made.apps[0].memory
    host.events += made.apps[0].events
    host.apps[app.name] = app
    return made.apps[0]


def _three(**spec: Any) -> SimHost:
    host = SimHost()
    host.settle(app_of(instances=3, **spec))
    return host


def _edited(host: SimHost, count: int = 9000, **spec: Any) -> tuple[Workload, AppPlan]:
    app = app_of(instances=count, **spec)
    return app, _look(host, app, {"web": _held(count, 3)})


def test_a_rise_that_waits_starts_and_stops_nothing() -> None:
    host = _three()
    app, made = _edited(host)
    assert made.actions == () and len(host.running()) == 3
    status = made.status
    assert (status.sync, status.health) == (Sync.OUT_OF_SYNC, Health.HEALTHY)
    assert (status.desired, status.ready) == (9000, 3)
    message = (
        "instances 3 → 9,000 waits: 120Gi of memory needed (12Mi each, measured), 20Gi left; "
        "if that is meant, run `recon apply --confirm-load`"
    )
    assert status.message == message
    (condition,) = [one for one in status.conditions if one.type == "LoadHeld"]
    assert (condition.status, condition.reason) == ("True", "InsufficientMemory")
    change = made.change
    assert (change.action, change.held, change.load) == ("none", True, _held(9000, 3))
    assert [(one.path, one.before, one.after) for one in change.fields] == [("instances", 3, 9000)]
    assert change.notes[0] == message and change.start == 0
    assert [event.reason for event in host.events].count("LoadHeld") == 1
    again = _look(host, app)
    assert (again.actions, again.status, again.events) == ((), status, ())


def test_what_crashes_meanwhile_comes_back_and_the_rest_of_the_edit_is_carried_out() -> None:
    host = _three()
    app, made = _edited(host, command="b")
    assert made.change.action == "update" and made.change.held
    assert (made.change.replace, made.change.start) == (3, 0)
    host.settle(app)
    assert host.running() == {(number, app.hash) for number in range(3)}
    host.sims.pop(host.processes()[0].tag.nonce)
    host.settle(app)
    assert len(host.running()) == 3


def test_once_confirmed_it_begins_and_never_waits_again() -> None:
    host = _three()
    app, _ = _edited(host, 9)
    host.memory["web"] = admission.confirm(app, host.memory["web"])
    assert not admission.rises(app, 3, host.memory["web"])
    host.settle(app)
    assert len(host.running()) == 9
    fewer = app_of(instances=2)
    host.settle(fewer)
    assert len(host.running()) == 2
    assert not admission.rises(app, 2, host.memory["web"]), "that count was confirmed once"
    assert admission.rises(app_of(instances=10), 2, host.memory["web"]), "and no more than that"


def test_another_count_is_judged_anew_and_one_that_is_small_enough_ends_the_wait() -> None:
    host = _three()
    app, _ = _edited(host, 9000)
    assert not admission.rises(app, 3, host.memory["web"]), "it was judged"
    assert admission.rises(app_of(instances=900), 3, host.memory["web"])
    back = _look(host, app_of(instances=3))
    assert back.status.sync is Sync.SYNCED and back.memory.withheld is None
    assert admission.rises(app, 3, back.memory)


def test_asked_for_once_more_it_is_judged_once_more() -> None:
    host = _three()
    app, _ = _edited(host, 9)
    host.memory["web"] = admission.reconsidered(host.memory["web"])
    assert admission.rises(app, 3, host.memory["web"])
    still = _look(host, app, {"web": _held(9, 3)})
    assert still.events == () and not admission.rises(app, 3, still.memory)
    host.memory["web"] = admission.reconsidered(host.memory["web"])
    starts = [one for one in _look(host, app, {"web": None}).actions if isinstance(one, Start)]
    assert len(starts) == 6


def test_a_new_app_waits_whole_and_is_missing() -> None:
    host = SimHost()
    app = app_of(instances=9000)
    for verdicts in ({"web": _held(9000, 0)}, {}):
        made = _look(host, app, verdicts)
        assert made.actions == () and made.status.instances == ()
        assert (made.status.sync, made.status.health) == (Sync.OUT_OF_SYNC, Health.MISSING)
        assert (made.change.action, made.change.held) == ("none", True)
    standing = look_at(app, (), host.memory["web"], host.now)
    assert not standing.met, "what depends on it waits, too"
    assert standing.obstacle == UNCONFIRMED


def test_suspended_it_asks_for_nothing_and_resumed_it_has_what_it_had() -> None:
    host = _three()
    asleep = app_of(instances=3, suspend=True)
    host.settle(asleep)
    assert host.memory["web"].admitted == 3
    assert not admission.rises(app_of(instances=3), 0, host.memory["web"])
    more = app_of(instances=9000, suspend=True)
    assert not admission.rises(more, 0, host.memory["web"])
    host.settle(more)
    assert admission.rises(app_of(instances=9000), 0, host.memory["web"]), "raised meanwhile"
    new = SimHost()
    _look(new, more)
    assert admission.rises(app_of(instances=9000), 0, new.memory["web"]), "new and suspended"


def test_what_an_earlier_release_ran_is_no_rise() -> None:
    host = _three()
    host.memory["web"] = replace(host.memory["web"], admitted=None)
    assert not admission.rises(app_of(instances=3), 0, host.memory["web"]), "though all crashed"
    assert admission.rises(app_of(instances=4), 0, host.memory["web"])
    assert not admission.rises(app_of(instances=3), 3, AppMemory()), "the journal was removed"
    assert admission.rises(app_of(instances=3), 2, AppMemory())
    for recall in (Recall.LOST, Recall.UNREAD):
        assert not admission.rises(app_of(instances=9000), 0, AppMemory(recall=recall))


def test_a_new_job_waits_and_runs_once_it_is_confirmed() -> None:
    host = JobHost({"a": WELL})
    for job in (job_of(), job_of("nightly", schedule="* * * * *")):
        for verdicts in ({job.name: _held(1, 0)}, {}):
            made = _look(host, job, verdicts)
            assert made.actions == () and made.memory.runs == ()
            assert made.status.sync is Sync.OUT_OF_SYNC and made.change.held
            assert made.status.message.startswith("its runs wait: 120Gi of memory needed")
            assert made.standing.obstacle == UNCONFIRMED and not made.standing.met
    host.memory["report"] = admission.confirm(job_of(), host.memory["report"])
    assert any(isinstance(one, Start) for one in _look(host, job_of()).actions)


@given(
    st.integers(0, 6),
    st.integers(0, 12),
    st.booleans(),
    st.sampled_from([{}, {"strategy": {"type": "Recreate"}}, {"strategy": {"maxSurge": "100%"}}]),
    st.integers(0, 12),
)
def test_no_verdict_ever_stops_or_lowers_anything(
    before: int, count: int, is_new: bool, spec: dict[str, Any], confirmed: int
) -> None:
    host = SimHost()
    host.settle(app_of(instances=before, **spec))
    memory = replace(host.memory["web"], confirmed=confirmed)
    edit = app_of("web", "b" if is_new else "a", instances=count, **spec)
    rises = admission.rises(edit, before, memory)
    assert rises == (count > max(before, confirmed))
    host.memory["web"] = memory
    verdicts = {"web": _held(count, before)} if rises else {}
    held = _look(host, edit, verdicts)
    if rises and not is_new:
        assert not any(isinstance(one, End | Start) for one in held.actions)
    host.settle(edit)
    assert len(host.running()) == (before if rises else count)
    assert {hash for _, hash in host.running()} <= {edit.hash}
    assert host.memory["web"].admitted == (before if rises else count)
