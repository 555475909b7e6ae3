"""Columns on a terminal: a Chinese character takes two, a combining accent none."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.cells import cells, clip, clip_middle, fold, fold_line, padded

WORDS = st.text(st.sampled_from("abc 家屋ü-é\u0301"), max_size=40)


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("家", 2), ("e\u0301", 1), ("→ …", 3), ("", 0)]
)
def test_columns_are_those_of_a_terminal(text: str, columns: int) -> None:
    assert cells(text) == columns
    screen = pyte.Screen(80, 2)
    pyte.Stream(screen).feed(text)
    assert screen.cursor.x == columns


@given(WORDS, st.integers(0, 30))
def test_what_is_cut_fits_and_says_so(text: str, columns: int) -> None:
    for cut in (clip(text, columns), clip_middle(text, columns)):
        assert cells(cut) <= columns
        assert cut == text or "…" in cut or columns == 0


def test_the_middle_of_a_name_goes_and_its_ends_stay() -> None:
    assert clip_middle("billing-worker-for-invoices-11", 15) == "billing…ices-11"


@given(WORDS, st.integers(4, 30))
def test_folded_text_fits_and_loses_nothing(text: str, columns: int) -> None:
    lines = fold(text, columns, indent="  ")
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert cells(line) <= columns or " " not in line.strip()


def test_a_path_stays_whole_and_a_chinese_sentence_is_folded() -> None:
    path = "/srv/a/long/path/that/is/longer/than/the/line"
    assert path in fold(f"see {path} — now", 20)
    assert fold("数据库没有准备好 now", 9) == ["数据库没", "有准备好", "now"]


def test_padding_counts_columns() -> None:
    assert padded("家", 4) == "家  "


def test_a_line_is_folded_behind_its_indent() -> None:
    assert fold_line("  a.yaml:1:2: one two three", 20, hang=2) == [
        "  a.yaml:1:2: one",
        "    two three",
    ]
    assert fold_line("  short", 20) == ["  short"]
    assert fold_line("x " * 100, None) == ["x " * 100]
    assert fold_line("", 5) == [""]
