from __future__ import annotations

import pytest

from reconciler.ui.monit.start import refusal


def test_a_pipe_is_no_place_for_a_monitor() -> None:
    sentence = refusal({"TERM": "xterm"}, is_terminal=False)
    assert "needs a terminal" in sentence and "recon status --watch" in sentence


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_moves_no_cursor_is_none(term: str) -> None:
    sentence = refusal({"TERM": term}, is_terminal=True)
    assert "move its cursor" in sentence and "recon status --watch" in sentence
    assert "not set" in refusal({}, is_terminal=True)


@pytest.mark.parametrize("term", ["vt100", "xterm-256color", "linux", "screen", "tmux"])
def test_all_others_will_do(term: str) -> None:
    assert refusal({"TERM": term}, is_terminal=True) == ""
