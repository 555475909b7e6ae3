"""The whole way of an app, as `apply --dry-run` shows it."""

from __future__ import annotations

from typing import Any

from reconciler.diff.as_if_running import as_observed
from reconciler.diff.plan import plan
from reconciler.diff.prune import Absence, Verdict
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.plan import Change
from tests.diff.simhost import SimHost, app_of


def _change(host: SimHost, app: DesiredApp) -> Change:
    return host.look(Desired({"web": app})).apps[0].change


def _settled(**spec: Any) -> SimHost:
    host = SimHost()
    host.settle(app_of(command="a", **spec))
    return host


def _counts(change: Change) -> tuple[int, int, int, int]:
    return (change.start, change.replace, change.stop, change.unchanged)


def test_a_new_app_is_created() -> None:
    change = _change(SimHost(), app_of(instances=2))
    assert (change.action, change.revision_from, change.revision_to) == ("create", None, 1)
    assert _counts(change) == (2, 0, 0, 0)
    assert change.fields == ()


def test_an_edit_replaces_and_says_how() -> None:
    change = _change(_settled(instances=2), app_of(command="b", instances=2))
    assert (change.action, change.revision_from, change.revision_to) == ("update", 1, 2)
    assert _counts(change) == (0, 2, 0, 0)
    assert [field.path for field in change.fields] == ["command"]
    assert change.notes == ("2 instances replaced, 1 at a time, never below 2 ready",)


def test_recreate_says_so() -> None:
    spec: dict[str, Any] = {"strategy": {"type": "Recreate"}}
    change = _change(_settled(**spec), app_of(command="b", **spec))
    assert change.notes == ("1 instance replaced: all stop, then the new ones start",)


def test_scaling_up_and_down() -> None:
    assert _counts(_change(_settled(instances=2), app_of(command="a", instances=5))) == (3, 0, 0, 2)
    assert _counts(_change(_settled(instances=5), app_of(command="a", instances=2))) == (0, 0, 3, 2)


def test_an_edit_and_a_change_of_scale_at_once() -> None:
    assert _counts(_change(_settled(instances=2), app_of(command="b", instances=3))) == (1, 2, 0, 0)
    assert _counts(_change(_settled(instances=3), app_of(command="b", instances=2))) == (0, 2, 1, 0)


def test_a_field_applied_in_place_is_an_update_that_touches_no_process() -> None:
    change = _change(_settled(), app_of(command="a", terminationGracePeriodSeconds=5))
    assert change.action == "update"
    assert _counts(change) == (0, 0, 0, 1)


def test_a_removal_names_the_pids_and_how_they_are_stopped() -> None:
    host = _settled(stop={"signal": "INT"}, terminationGracePeriodSeconds=5)
    (process,) = host.processes()
    gone = {"web": Absence(Verdict.DELETE, "manifest removed")}
    change = host.look(Desired({}), gone).apps[0].change
    assert (change.action, change.revision_to, change.stop) == ("delete", None, 1)
    assert change.notes == (
        f"manifest removed: stop pid {process.id.pid} (SIGINT, then SIGKILL after 5 s)",
    )


def test_a_removal_that_waits_for_a_person_says_so_and_changes_nothing() -> None:
    for verdict, reasons in (
        (Verdict.UNCONFIRMED, {"ConfirmationRequired"}),
        (Verdict.HELD, set()),
    ):
        held = {"web": Absence(verdict, "confirm it")}
        plan = _settled().look(Desired({}), held).apps[0]
        change = plan.change
        assert (change.action, change.stop, change.notes) == ("none", 0, ("confirm it",))
        assert change.held
        assert {condition.reason for condition in plan.status.conditions} == reasons


def test_a_removal_in_a_review_names_no_pids() -> None:
    base = Desired({"web": app_of(command="a", instances=2)})
    observed, memory = as_observed(base, 0.0)
    gone = {"web": Absence(Verdict.DELETE, "manifest removed")}
    change = plan(Desired({}), observed, memory, 0.0, gone).apps[0].change
    assert change.notes == (
        "manifest removed: stop 2 instances (SIGTERM, then SIGKILL after 30 s)",
    )


def test_a_plan_in_the_middle_of_a_rollout_still_says_replaced() -> None:
    host, edited = _settled(instances=2), app_of(command="b", instances=2)
    host.pass_once(Desired({"web": edited}))
    assert len(host.processes()) == 3, "a successor has begun, and has yet to become available"
    assert _counts(_change(host, edited)) == (0, 2, 0, 0)
