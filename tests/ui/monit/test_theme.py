from __future__ import annotations

import pytest

from reconciler.ui.monit.theme import DARK, TERMINAL, theme_for


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, DARK.name),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, DARK.name),
        ({"TERM": "xterm"}, TERMINAL.name),
        ({"TERM": "vt100"}, TERMINAL.name),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, TERMINAL.name),
        ({}, TERMINAL.name),
    ],
)
def test_few_colours_are_the_terminals_own(environ: dict[str, str], name: str) -> None:
    assert theme_for(environ) == name
