"""Graphs say what the numbers say, also in ASCII."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.sparkline import chart, fitted, sparkline, unicode_locale

numbers = st.lists(st.integers(0, 2**40), max_size=60)


def test_a_rise_rises_and_what_hardly_changes_is_level() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], blocks=True) == "▁▁▂▃▄▅▆▇█"
    assert sparkline([1000, 1001, 999], blocks=True) == "▄▄▄"
    assert sparkline([0, 0], blocks=True) == "▁▁"
    assert sparkline([0, 3, 9], blocks=False) == ".-@"
    assert sparkline([], blocks=True) == ""


def test_a_top_keeps_what_is_little_from_looking_like_much() -> None:
    assert sparkline([0, 0.1, 0.2], blocks=True, top=20) == "▁▁▁"
    assert sparkline([0, 10, 40], blocks=True, top=20) == "▁▂█"
    assert sparkline([], blocks=True, top=20) == ""


def test_a_chart_stands_on_its_lowest_row() -> None:
    assert chart([1, 4, 8, 16], 2, blocks=True) == ["   █", "▁▄██"]


@given(numbers, st.integers(1, 6), st.booleans())
def test_every_column_is_a_tower_without_holes_and_higher_is_never_lower(
    values: list[int], rows: int, blocks: bool
) -> None:
    lines = chart(values, rows, blocks=blocks)
    assert len(lines) == rows and all(len(line) == len(values) for line in lines)
    ramp = " ▁▂▃▄▅▆▇█" if blocks else " .:-=+*#%@"
    full = len(ramp) - 1
    heights = []
    for column in zip(*reversed(lines), strict=True):
        levels = [ramp.index(character) for character in column]
        assert levels[0] > 0
        assert all(low == full or high == 0 for low, high in pairwise(levels))
        heights.append(sum(levels))
    for n, value in enumerate(values):
        assert all(heights[n] <= heights[m] for m, other in enumerate(values) if other >= value)


@given(numbers, st.integers(1, 20))
def test_what_is_fitted_keeps_its_highest(values: list[int], columns: int) -> None:
    found = fitted(values, columns)
    assert len(found) <= columns
    assert max(found, default=0) == max(values, default=0)


def test_the_locale_decides_as_the_c_library_would() -> None:
    assert unicode_locale({"LANG": "de_DE.UTF-8"})
    assert unicode_locale({"LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"})
    assert not unicode_locale({"LC_ALL": "C", "LANG": "de_DE.UTF-8"})
    assert not unicode_locale({})
