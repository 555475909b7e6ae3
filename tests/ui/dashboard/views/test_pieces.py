"""From one state of a page to the next, only what differs is sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.ui.dashboard.views.pieces import Pieces, delta, portions

IDS = st.lists(st.sampled_from("abcdef"), unique=True)


@st.composite
def states(draw: st.DrawFn) -> Pieces:
    ids = draw(IDS)
    return Pieces({key: draw(st.sampled_from("xyz")) for key in ids}, {"list": tuple(ids)})


def browser(state: Pieces, change: dict[str, dict[str, object]]) -> Pieces:
    """What `page.js` makes of it."""
    html = {**state.html, **change.get("html", {})}
    order = {**state.order, **{k: tuple(v) for k, v in change.get("order", {}).items()}}  # type: ignore[arg-type]
    kept = {key for ids in order.values() for key in ids}
    return Pieces({key: str(text) for key, text in html.items() if key in kept}, order)


@given(states(), states())
def test_a_change_leads_from_any_state_to_any_other(before: Pieces, after: Pieces) -> None:
    assert browser(before, delta(before, after)) == after


@given(states())
def test_between_equal_states_there_is_nothing_to_send(state: Pieces) -> None:
    assert delta(state, Pieces(dict(state.html), dict(state.order))) == {}


def test_two_changed_rows_of_many_cost_two_rows() -> None:
    rows = {f"r{n}": "<i>" for n in range(500)}
    change = delta(Pieces(rows), Pieces({**rows, "r7": "<b>", "r8": "<b>"}))
    assert change == {"html": {"r7": "<b>", "r8": "<b>"}}


@given(st.integers(0, 300), st.booleans())
def test_portions_are_small_and_lead_to_the_same(count: int, has_order: bool) -> None:
    rows = {f"r{n}": str(n) for n in range(count)}
    change: dict[str, dict[str, object]] = {"html": {**rows}} if rows else {}
    if has_order:
        change["order"] = {"list": [*rows]}
    parts = portions(change)
    html = {key: text for part in parts for key, text in part.get("html", {}).items()}
    assert html == rows
    if has_order:
        assert parts[-1]["order"] == {"list": [*rows]}
        assert all("order" not in part for part in parts[:-1])
    else:
        assert all(len(part["html"]) <= 60 for part in parts)
