"""Apps by name or label, as ``-l`` and shells mean it; no pattern takes long."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.words.appmatch import AppMatch, glob
from reconciler.model.words.sentence import InvalidValue


@given(st.text("ab*?", max_size=8), st.text("abc", max_size=8))
def test_patterns_are_those_of_a_shell(pattern: str, name: str) -> None:
    assert glob(pattern, name) is fnmatch.fnmatchcase(name, pattern)


def test_no_pattern_takes_long() -> None:
    began = time.process_time()
    assert not glob("*a" * 120 + "b", "a" * 253)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", True),
        ("web-*", False),
        ("w?b", True),
        ("*", True),
        ("tier=api", True),
        ("tier==api", True),
        ("tier=api,env!=dev", True),
        ("tier!=api", False),
        ("!env", True),
        ("!tier", False),
        ("tier=,x", False),
    ],
)
def test_a_name_or_labels(text: str, expected: bool) -> None:
    assert AppMatch.parse(text).matches("web", {"tier": "api"}) is expected


@pytest.mark.parametrize("text", ["", "we b", "!a=b", "a=b,", "é", "a=b=c"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        AppMatch.parse(text)
