"""A part of a plan keeps what concerns its apps: their builds, and the mistakes of no one app."""

from __future__ import annotations

from reconciler.api.documents.plan import of_apps, placed
from reconciler.api.documents.status import Place
from reconciler.desired.text.places import Sought
from reconciler.model.state.desired import Problem
from reconciler.model.state.plan import Plan


def test_mistakes_of_other_apps_are_left_out() -> None:
    of_all = Problem("recon.yaml", 1, 1, "", "wrong")
    own = Problem("a.yaml", 1, 1, "", "wrong", apps=("web", "db"))
    other = Problem("b.yaml", 1, 1, "", "wrong", apps=("mail",))
    plan = Plan(apps=(), problems=(of_all, own, other))
    assert of_apps(plan, ["web"]).problems == (of_all, own)
    assert of_apps(plan, []) is plan


def test_a_place_that_was_not_found_is_left_out() -> None:
    sought = [Sought("a.yaml", "web", "env.A"), Sought("a.yaml", "web", "env.B")]
    found = placed(sought, {("web", "env.A"): (3, 5)})
    assert found == {("web", "env.A"): Place("a.yaml", 3)}
