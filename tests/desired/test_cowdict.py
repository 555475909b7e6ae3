"""A copy-on-write dict is a dict, and a copy and its original change apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.cowdict import CowDict

_KEYS = st.integers(0, 9)
_STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "copy", "look"]), _KEYS, st.integers()), max_size=60
)


@given(_STEPS)
def test_it_holds_what_a_dict_would_hold_in_the_same_order(
    steps: list[tuple[str, int, int]],
) -> None:
    table: CowDict[int, int] = CowDict()
    model: dict[int, int] = {}
    for step, key, value in steps:
        if step == "put":
            table[key] = model[key] = value
        elif step == "drop":
            assert table.pop(key, None) == model.pop(key, None)
        elif step == "copy":
            table = table.copy()
        else:
            assert table.get(key) == model.get(key)
            assert (key in table) is (key in model)
    assert dict(table) == table.to_dict() == model
    assert set(table) == set(model)
    assert len(table) == len(model)
    assert table.keys() - {1} == model.keys() - {1}


@given(_STEPS, _STEPS)
def test_a_copy_and_its_original_change_apart(
    before: list[tuple[str, int, int]], after: list[tuple[str, int, int]]
) -> None:
    table = _changed(CowDict(), before)
    held = table.to_dict()
    copied = _changed(table.copy(), after)
    assert table.to_dict() == held
    expected = _changed(CowDict(), before + after)
    assert copied.to_dict() == expected.to_dict()
    _changed(table, after[::-1])
    assert copied.to_dict() == expected.to_dict()


def test_what_is_not_there_is_a_key_error() -> None:
    table: CowDict[str, int] = CowDict()
    table["a"] = 1
    table = table.copy()
    del table["a"]
    with pytest.raises(KeyError):
        table["a"]
    with pytest.raises(KeyError):
        del table["a"]


def test_a_copy_of_a_large_table_shares_what_neither_changes() -> None:
    table: CowDict[int, int] = CowDict()
    for number in range(1000):
        table[number] = number
    table = table.copy()
    first = table.copy()
    first[3] = -3
    second = first.copy()
    assert second._base is first._base is table._base
    assert (table[3], second[3], second[4]) == (3, -3, 4)


def _changed(table: CowDict[int, int], steps: list[tuple[str, int, int]]) -> CowDict[int, int]:
    for step, key, value in steps:
        if step == "put":
            table[key] = value
        elif step == "drop":
            table.pop(key, None)
    return table
