"""Colours of programs become classes; nothing else of what they send has any effect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ui.dashboard.views.text.ansi import to_html


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("plain", "plain"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\x1b[32mok\x1b[0m then", '<span class="a-f2">ok</span> then'),
        ("\x1b[1;31mred", '<span class="a-bold a-f1">red</span>'),
        ("\x1b[1mb\x1b[22mn", '<span class="a-bold">b</span>n'),
        ("\x1b[38;5;196mx", '<span class="a-f1">x</span>'),
        ("\x1b[38;2;0;255;0mx", '<span class="a-f2">x</span>'),
        ("\x1b[48;5;4mx\x1b[49my", '<span class="a-b4">x</span>y'),
        ("\x1b[94mx\x1b[39my", '<span class="a-f12">x</span>y'),
        ("\x1b[31", "31"),
        ("\x1b[2Jcleared\x1b[10;10H", "cleared"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("\x9b31mred", "red"),
        ("a\tb\x08\x00c", "a\tb  c"),
        ("left\u202eright", "left right"),
        ('\x1b["><img src=x>m', "&#34;&gt;&lt;img src=x&gt;m"),
        ("\x1b[38;9;77mx\x1b[99999999999mx", "xx"),
        ("\udcff", "?"),
        ("\x1b[;;mx", "x"),
    ],
)
def test_lines_by_table(line: str, html: str) -> None:
    assert str(to_html(line)) == html


def test_what_is_searched_for_is_marked_without_regard_to_case() -> None:
    assert str(to_html("An error, ERROR <b>", "error")) == (
        "An <mark>error</mark>, <mark>ERROR</mark> &lt;b&gt;"
    )
    assert str(to_html("a.b axb", "a.b")) == "<mark>a.b</mark> axb"
    assert str(to_html("<b>", "<")) == "<mark>&lt;</mark>b&gt;"


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
    | st.text("\x1b[]0123456789;mPX^_\\<>\"'&\x07\x9b ", max_size=80)
)
def test_no_line_makes_other_markup_or_leaves_a_control(line: str) -> None:
    html = str(to_html(line, "m"))
    rest = html.replace("</span>", "").replace("<mark>", "").replace("</mark>", "")
    while '<span class="a-' in rest:
        before, _, after = rest.partition('<span class="a-')
        names, closed, after = after.partition('">')
        assert closed and names.replace("-", "").replace(" ", "").isalnum()
        rest = before + after
    assert "<" not in rest and ">" not in rest and '"' not in rest
    assert all(char == "\t" or ord(char) >= 32 for char in html)


def test_a_line_without_end_is_cut() -> None:
    assert len(to_html("x" * 100_000)) < 10_000
