"""Prune safety (design.md#mistakes): nothing is deleted by mistake."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.prune import Verdict, absences
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Desired, DesiredApp, Problem
from tests.diff.simhost import app_of


def _judge(
    declared: int, gone: int, scans: int = 2, settings: dict[str, Any] | None = None, **more: Any
) -> list[Verdict]:
    """The verdicts where ``gone`` of ``declared + gone`` apps are absent."""
    apps: dict[str, DesiredApp] = {f"d{n}": app_of(f"d{n}") for n in range(declared)}
    names = [f"g{n}" for n in range(gone)]
    desired = Desired(apps, settings=SettingsSpec.model_validate(settings or {}))
    known: dict[str, str | None] = {name: f"/m/{name}.yaml" for name in (*apps, *names)}
    found = absences(desired, known, dict.fromkeys(names, scans), **more)
    assert sorted(found) == sorted(names)
    return [found[name].verdict for name in names]


def test_a_clean_absence_seen_twice_is_a_deletion() -> None:
    assert _judge(3, 1) == [Verdict.DELETE]


def test_seen_once_it_waits_for_another_scan() -> None:
    assert _judge(3, 1, scans=0) == [Verdict.WAIT]
    assert _judge(3, 1, scans=1) == [Verdict.WAIT]


def test_an_incomplete_scan_deletes_nothing_not_even_confirmed() -> None:
    desired = Desired({}, complete=False)
    found = absences(desired, {"a": "/m/a.yaml"}, {"a": 9}, confirmed=True)
    assert found["a"].verdict is Verdict.HELD
    assert "cannot be read completely" in found["a"].reason


def test_the_file_that_declared_it_being_in_error_holds_it() -> None:
    problem = Problem("/m/a.yaml", 1, 1, "", "bad")
    desired = Desired({"b": app_of("b")}, (problem,))
    known = {"a": "/m/a.yaml", "b": "/m/b.yaml", "c": "/m/c.yaml", "lost": None}
    found = absences(desired, known, {"a": 9, "c": 9, "lost": 9}, confirmed=True)
    assert found["a"].verdict is Verdict.HELD
    assert "/m/a.yaml is invalid" in found["a"].reason
    assert found["lost"].verdict is Verdict.HELD, "any file may have declared it"
    assert found["c"].verdict is Verdict.DELETE


def test_all_of_a_few_or_over_half_of_many_wait_for_a_person() -> None:
    assert set(_judge(1, 2)) == {Verdict.DELETE}
    assert set(_judge(0, 3)) == {Verdict.UNCONFIRMED}
    assert set(_judge(2, 2)) == {Verdict.DELETE}
    assert set(_judge(1, 3)) == {Verdict.UNCONFIRMED}
    assert set(_judge(5, 5)) == {Verdict.DELETE}
    assert set(_judge(4, 6)) == {Verdict.UNCONFIRMED}


def test_a_person_may_confirm_them() -> None:
    assert set(_judge(0, 3, confirmed=True)) == {Verdict.DELETE}


def test_max_prune_is_the_limit_where_it_is_set() -> None:
    assert set(_judge(5, 2, settings={"maxPrune": 1})) == {Verdict.UNCONFIRMED}
    assert set(_judge(5, 1, settings={"maxPrune": 1})) == {Verdict.DELETE}
    assert set(_judge(5, 1, settings={"maxPrune": 0})) == {Verdict.UNCONFIRMED}
    assert set(_judge(1, 9, settings={"maxPrune": 9})) == {Verdict.DELETE}


def test_an_empty_directory_is_held_whatever_max_prune_says() -> None:
    assert set(_judge(0, 1, settings={"maxPrune": 9})) == {Verdict.UNCONFIRMED}
    assert set(_judge(0, 5, settings={"allowEmpty": True})) == {Verdict.DELETE}
    assert set(_judge(0, 5, settings={"allowEmpty": True, "maxPrune": 4})) == {Verdict.UNCONFIRMED}


def test_allow_empty_does_not_let_one_survivor_hide_a_mass_deletion() -> None:
    assert set(_judge(1, 9, settings={"allowEmpty": True})) == {Verdict.UNCONFIRMED}


def test_a_swapped_directory_holds_all() -> None:
    assert _judge(9, 1, root_changed=True) == [Verdict.UNCONFIRMED]
    assert _judge(9, 1, root_changed=True, confirmed=True) == [Verdict.DELETE]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.booleans(), st.booleans())
def test_no_deletion_without_two_scans(
    declared: int, gone: int, scans: int, confirmed: bool, swapped: bool
) -> None:
    found = _judge(declared, gone, scans, confirmed=confirmed, root_changed=swapped)
    if scans < 2:
        assert Verdict.DELETE not in found
    if swapped and not confirmed:
        assert Verdict.DELETE not in found


def test_what_others_depend_on_is_held_and_confirming_does_not_change_that() -> None:
    apps = {name: app_of(name) for name in "abc"} | {"web": app_of(dependsOn=["db"])}
    desired = Desired(apps)
    for confirmed in (False, True):
        found = absences(desired, {"db": "/m/db.yaml"}, {"db": 9}, confirmed=confirmed)
        assert found["db"].verdict is Verdict.HELD
        assert found["db"].reason == "web (/m/web.yaml) depends on it, so it keeps running"


def test_what_others_depend_on_counts_among_what_is_gone() -> None:
    """Three of four are gone, as after a checkout of another branch: two are not removed either."""
    desired = Desired({"web": app_of(dependsOn=["db"])})
    known = {name: f"/m/{name}.yaml" for name in ("db", "job", "mail", "web")}
    found = absences(desired, known, dict.fromkeys(known, 2))
    verdicts = {name: one.verdict for name, one in found.items()}
    assert verdicts == {
        "db": Verdict.HELD,
        "job": Verdict.UNCONFIRMED,
        "mail": Verdict.UNCONFIRMED,
    }
    assert "3 of 4 apps" in found["job"].reason
