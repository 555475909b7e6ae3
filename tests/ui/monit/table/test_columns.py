from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.ui.monit.table.columns import COLUMNS, at, layout


def keys(width: int, *names: str) -> list[str]:
    return [column.key for column in layout(width, names)]


def test_80_columns_hold_all_that_changes() -> None:
    wanted = {"name", "sync", "health", "ready", "cpu", "cpu-graph", "memory", "memory-graph"}
    assert wanted | {"restarts"} == set(keys(80, "web"))


def test_40_columns_hold_what_matters_most() -> None:
    assert keys(40, "web") == ["name", "health", "ready", "cpu"]


def test_a_long_name_takes_room_only_from_what_is_free() -> None:
    assert keys(80, "a" * 60) == keys(80, "a")
    (name, *_) = layout(200, ["a" * 30])
    assert name.width == 32


@given(st.integers(1, 400), st.lists(st.text(max_size=80), max_size=5))
def test_no_table_is_wider_than_its_terminal(width: int, names: list[str]) -> None:
    columns = layout(width, names)
    assert sum(column.width for column in columns) + len(columns) - 1 <= width
    order = [column.key for column in COLUMNS]
    found = [column.key for column in columns[1:]]
    assert found == sorted(found, key=order.index)


def test_a_place_is_in_a_column() -> None:
    columns = layout(80, ["web"])
    assert at(columns, 0) == "name"
    assert at(columns, columns[0].width + 1) == "sync"
    assert at(columns, 500) == ""
