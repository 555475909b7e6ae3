"""Colour only on a terminal, and NO_COLOR is honoured; drawn on a real pseudo terminal."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pyte
import pytest

from reconciler.cli.terminal import Screen, colours, width


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A terminal to write on, and the descriptor that reads what it shows."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream, ours
    os.close(ours)


def test_colour_only_on_a_terminal(
    terminal: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colours(terminal[0])
    assert not colours(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not colours(terminal[0])


def test_no_color_is_honoured(
    terminal: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours(terminal[0])


def test_pipe_is_80_columns_wide_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width(io.StringIO()) == 80
    monkeypatch.setenv("COLUMNS", "120")
    assert width(io.StringIO()) == 120


def test_screen_is_drawn_over_also_when_it_shrinks(terminal: tuple[TextIO, int]) -> None:
    stream, reader = terminal
    stream.write("before\n")
    screen = Screen(stream)
    screen.draw(["one", "two", "three"])
    screen.draw(["uno"])
    screen.draw(["eins", "zwei"])
    display = pyte.Screen(80, 24)
    pyte.ByteStream(display).feed(os.read(reader, 65536))
    shown = [line.rstrip() for line in display.display if line.strip()]
    assert shown == ["before", "eins", "zwei"]
