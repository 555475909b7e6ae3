"""What strangers write is drawn, and obeyed by no terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.ui.monit.widgets.text import LONGEST, fitted, line_of, safe, strip_of, uncoloured

anything = st.text(
    alphabet=st.characters(codec=None, exclude_categories=[]), max_size=80
) | st.text(max_size=80)


@given(anything)
def test_safe_text_can_be_written_to_any_terminal(text: str) -> None:
    shown = safe(text)
    shown.encode()
    assert not set(shown) & {"\x1b", "\n", "\r", "\x07", "\x9b", "\u202e", "\u2066"}


@given(anything, st.integers(1, 60), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert cell_len(fitted(text, width, right=right)) == width


def test_markup_is_text() -> None:
    assert strip_of(line_of("[bold]x[/bold] [link=file:///etc]y")).text == (
        "[bold]x[/bold] [link=file:///etc]y"
    )


def test_colours_stay_and_all_else_that_a_terminal_obeys_goes() -> None:
    line = line_of("\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J\ttab")
    strip = strip_of(line)
    assert "\x1b" not in strip.text
    assert strip.text.startswith("red")
    assert "    tab" in strip.text
    (first, *_) = strip
    assert first.style is not None and first.style.color is not None
    assert first.style.color.number == 1


def test_a_long_line_says_how_much_is_left_out() -> None:
    line = line_of("x" * 65536)
    assert len(line) < LONGEST + 60
    assert uncoloured(line).endswith(f"… {65536 - LONGEST:,} characters more")


def test_a_text_is_marked_where_it_stands_without_regard_to_case() -> None:
    strip = strip_of(line_of("an Error, \x1b[32man ERROR\x1b[0m"), "error")
    marked = [segment.text for segment in strip if segment.style and segment.style.reverse]
    assert marked == ["Error", "ERROR"]


def test_a_search_sees_through_colours() -> None:
    assert uncoloured(line_of("\x1b[1mer\x1b[0mror")) == "error"
