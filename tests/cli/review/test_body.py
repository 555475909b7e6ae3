"""The comment is found by its first line, and fits."""

from __future__ import annotations

import pytest

from reconciler.cli.review.body import MOST, body, marker


def test_the_marker_is_the_first_line_and_invisible() -> None:
    text = body("deploy/prod", "**Plan**\n")
    assert text.splitlines()[0] == marker("deploy/prod") == "<!-- recon-review: deploy/prod -->"
    assert text.endswith("**Plan**\n")


@pytest.mark.parametrize("key", ["", "a-->b", "a--b", "<x>", "a b", "-a", "a\n", "ä", "a" * 101])
def test_a_key_cannot_end_the_marker(key: str) -> None:
    with pytest.raises(ValueError, match="not a valid key"):
        marker(key)


@pytest.mark.parametrize("line", ["x" * 99, "😀" * 50, "| a | b |"])
def test_a_long_plan_is_cut_between_two_lines(line: str) -> None:
    text = body("m", "\n".join([line] * 20_000), "https://forge.test/run/1")
    assert len(text.encode("utf-16-le")) // 2 <= MOST
    *lines, note = text.rstrip("\n").splitlines()
    kept = lines.count(line)
    assert f"*{20_000 - kept} more lines" in note and "(https://forge.test/run/1)" in note
    assert kept * (len(line.encode("utf-16-le")) // 2 + 1) > MOST * 0.9
