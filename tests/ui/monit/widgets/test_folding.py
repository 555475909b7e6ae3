from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.ui.monit.widgets.folding import breaks


def test_a_row_ends_after_a_word_where_there_is_one() -> None:
    assert breaks("short", 10) == [0]
    assert breaks("some words here", 12) == [0, 11]
    assert breaks("x" * 25, 10) == [0, 10, 20]
    assert breaks("", 10) == [0]


def test_wide_characters_take_two_columns() -> None:
    assert breaks("漢" * 10, 10) == [0, 10]
    assert breaks("a" + "漢" * 10, 10) == [0, 9, 19]


@given(st.text(max_size=300), st.integers(2, 40))
def test_every_row_fits_and_nothing_is_lost(text: str, width: int) -> None:
    starts = breaks(text, width)
    ends = [*starts[1:], cell_len(text)]
    assert starts[0] == 0
    assert all(0 <= end - start <= width for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(set(starts))
