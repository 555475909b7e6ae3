"""A directory of manifests as if it ran: compared with itself, nothing changes."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from reconciler.diff.as_if_running import as_observed
from reconciler.diff.plan import plan
from reconciler.model.state.desired import Desired
from tests.diff.simhost import app_of
from tests.diff.strategies import edited, specs


@given(specs())
def test_a_base_is_converged_on_itself(spec: dict[str, Any]) -> None:
    desired = Desired({"web": edited(spec, "a")})
    observed, memory = as_observed(desired, 100.0)
    (made,) = plan(desired, observed, memory, 100.0).apps
    assert made.actions == ()
    assert made.change.action == "none"


def test_what_differs_from_the_base_is_the_change() -> None:
    observed, memory = as_observed(Desired({"web": app_of(command="a", instances=2)}), 100.0)
    after = Desired({"web": app_of(command="b", instances=3), "new": app_of("new")})
    changes = {app.app: app.change for app in plan(after, observed, memory, 100.0).apps}
    assert (changes["web"].replace, changes["web"].start) == (2, 1)
    assert changes["new"].action == "create"
