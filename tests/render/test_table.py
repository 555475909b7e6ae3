from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.table import Cell, table
from reconciler.render.terminal import clip

CELLS = st.text(max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, st.text(max_size=200)), max_size=5))
def test_only_the_last_column_is_cut_and_every_line_fits(rows: list[tuple[str, str, str]]) -> None:
    lines = table(["A", "B", "C"], rows, columns=60)
    assert len(lines) == len(rows) + 1
    assert all(len(line) <= 60 and "\n" not in line for line in lines)


def test_no_width_means_nothing_is_cut() -> None:
    assert table(["A"], [["x" * 300]], columns=None)[1] == "x" * 300


def test_colour_is_on_the_text_and_not_on_the_padding() -> None:
    lines = table(["A", "B"], [[Cell("x", "red"), "y"]], columns=80, colour=True)
    assert lines[1] == "\x1b[31mx\x1b[0m  y"


def test_clip_marks_what_it_cut() -> None:
    assert [clip("abcdef", n) for n in (6, 4, 1, 0)] == ["abcdef", "abc…", "…", ""]
