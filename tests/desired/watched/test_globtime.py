"""The quick expressions find what pathspec's own find, and take no time to speak of."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from reconciler.desired.watched.globtime import linear
from reconciler.desired.watched.ignore import Ignored, _means

NAMES = st.lists(st.text("ab.", min_size=1, max_size=6), min_size=1, max_size=5)
WORDS = st.lists(
    st.sampled_from(["*", "*", "?", "a", "b", "[ab]", "[a-b.]", ".", r"\*", "ab"]), max_size=8
)
PATTERNS = st.lists(st.one_of(st.just("**"), WORDS.map("".join)), min_size=1, max_size=5)


@settings(max_examples=1000, deadline=None)
@given(PATTERNS, NAMES, st.booleans(), st.booleans())
def test_the_same_is_meant(
    pattern: list[str], name: list[str], anchored: bool, folder: bool
) -> None:
    text = ("/" if anchored else "") + "/".join(pattern)
    shown = "/".join(name) + ("/" if folder else "")
    for one in GitIgnoreSpec.from_lines([text]).patterns:
        if one.include is not None and one.regex is not None:
            mine = re.compile(linear(one.regex.pattern))
            assert _means(mine, shown) == _means(one.regex, shown), (one.regex.pattern, mine)


def test_a_set_of_characters_holds_no_slash_as_git_has_it() -> None:
    ignored = Ignored(["x[!a]y"])
    assert "xby" in ignored and "xay" not in ignored and "x/y" not in ignored


SLOW = [
    ("*a*a*a*a*a*a*a*b", "a" * 250),
    ("[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*0", "a" * 250),
    ("**/a/**/a/**/a/**/a/**/a/**/b", "/".join("a" * 1500)),
    ("**/a*a*a*a*a*a*b/**/a*a*a*a*b", "/".join(["a" * 250] * 15)),
]


@pytest.mark.parametrize(("pattern", "name"), SLOW)
def test_no_pattern_takes_forever(pattern: str, name: str) -> None:
    """In a process of its own: else this test would never end."""
    code = "from reconciler.desired.watched.ignore import Ignored as I; from sys import argv as a"
    code += "; a[2] in I([a[1]])"
    subprocess.run([sys.executable, "-c", code, pattern, name], check=True, timeout=60)
