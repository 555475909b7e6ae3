"""The word that was meant, where one is spelt much like it."""

from __future__ import annotations

import sys

import pytest

from reconciler.model.words.closest import closest


@pytest.mark.parametrize(
    ("word", "expected"), [("comand", "command"), ("command", "command"), ("xyz", "")]
)
def test_the_nearest_word_is_found(word: str, expected: str) -> None:
    assert closest(word, iter(["env", "command", "cwd"])) == expected


def test_none_is_near_where_difflib_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with no file left to open."""
    monkeypatch.setitem(sys.modules, "difflib", None)
    assert closest("comand", ["command"]) == ""
