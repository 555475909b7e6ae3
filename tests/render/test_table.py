from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.cells import cells, clip
from reconciler.render.table import Cell, table

CELLS = st.text(max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS, st.text(max_size=200)), max_size=5))
def test_only_the_last_column_is_cut_and_every_line_fits(rows: list[tuple[str, str, str]]) -> None:
    lines = table(["A", "B", "C"], rows, columns=60)
    assert len(lines) == len(rows) + 1
    assert all(cells(line) <= 60 and "\n" not in line for line in lines)


def test_no_width_means_nothing_is_cut() -> None:
    assert table(["A"], [["x" * 300]], columns=None)[1] == "x" * 300


def test_colour_is_on_the_text_and_not_on_the_padding() -> None:
    lines = table(["A", "B"], [[Cell("x", "red"), "y"]], columns=80, colour=True)
    assert lines[1] == "\x1b[31mx\x1b[0m  y"


HEADER = ["APP", "SYNC", "READY", "REV", "MESSAGE"]
ROW: list[str | Cell] = ["billing", "OutOfSync", "1/2", "12", "1 of 2 instances updated"]


def test_a_narrow_table_goes_without_what_is_missed_least() -> None:
    lines = table(HEADER, [ROW], columns=50, spare=["REV"], below=True)
    assert lines == [
        "APP      SYNC       READY  MESSAGE",
        "billing  OutOfSync  1/2    1 of 2 instances updat…",
    ]


def test_where_a_sentence_has_no_room_it_goes_below_its_row() -> None:
    lines = table(HEADER, [ROW], columns=40, spare=["REV"], below=True)
    assert lines == [
        "APP      SYNC       READY",
        "billing  OutOfSync  1/2",
        "  1 of 2 instances updated",
    ]


def test_a_terminal_of_no_width_still_shows_something() -> None:
    lines = table(HEADER, [ROW], columns=1, spare=["REV"], below=True)
    assert lines[-1].strip() and len(lines) == 3


def test_what_goes_into_a_pipe_has_all_columns_in_their_order() -> None:
    lines = table(HEADER, [["x" * 63, *ROW[1:]]], columns=None, spare=["REV"], below=True)
    assert lines[0].split() == HEADER
    assert lines[1].startswith("x" * 63) and lines[1].endswith("updated")


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_a_name_of_any_length_leaves_the_line_its_width(columns: int) -> None:
    rows = [["x" * 63, *ROW[1:]], ["家" * 40, *ROW[1:]], ROW]
    lines = table(HEADER, rows, columns=columns, spare=["REV"], below=True)
    assert max(map(cells, lines)) <= columns
    assert {cells(line[: line.index("OutOfSync")]) for line in lines if "OutOfSync" in line} == {
        lines[0].index("SYNC")
    }


def test_clip_marks_what_it_cut() -> None:
    assert [clip("abcdef", n) for n in (6, 4, 1, 0)] == ["abcdef", "abc…", "…", ""]


def test_where_nothing_may_be_cut_the_last_column_is_folded_below_itself() -> None:
    row: list[str | Cell] = ["Available", Cell("0 of 1 available, at least 1 needed", "red")]
    assert table(["TYPE", "MESSAGE"], [row], columns=32, whole=True) == [
        "TYPE       MESSAGE",
        "Available  0 of 1 available, at",
        "           least 1 needed",
    ]
    coloured = table(["TYPE", "MESSAGE"], [row], columns=32, whole=True, colour=True)
    assert coloured[2] == "           \x1b[31mleast 1 needed\x1b[0m"
    assert len(table(["TYPE", "MESSAGE"], [row], columns=None, whole=True)) == 2
