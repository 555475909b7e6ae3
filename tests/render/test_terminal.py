"""Colour only on a terminal, and NO_COLOR is honoured; drawn on a real pseudo terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

import pyte
import pytest

from reconciler.render.terminal import Screen, colours, harmless, room, width


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


def test_a_pipe_is_laid_out_for_80_columns_and_cuts_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert (width(io.StringIO()), room(io.StringIO())) == (80, None)
    monkeypatch.setenv("COLUMNS", "120")
    assert (width(io.StringIO()), room(io.StringIO())) == (120, 120)


def test_screen_is_drawn_over_also_when_it_shrinks(terminal: tuple[TextIO, int]) -> None:
    stream, reader = terminal
    stream.write("before\n")
    screen = Screen(stream)
    screen.draw(["one", "two", "three"])
    screen.draw(["uno"])
    screen.draw(["eins", "zwei"])
    display = pyte.Screen(80, 24)
    feed = pyte.ByteStream(display).feed
    stream.write("end")  # a terminal gives what was written in any number of pieces
    stream.flush()
    while not any(line.startswith("end") for line in display.display):
        feed(os.read(reader, 65536))
    shown = [line.rstrip() for line in display.display if line.strip()]
    assert shown == ["before", "eins", "zwei", "end"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[31mred, and on", "\x1b[31mred, and on\x1b[0m"),
        ("\x1b[2Jgone", " [2Jgone"),
        ("\x1b]0;title\x07x", " ]0;title x"),
        ("\x1b]52;c;aGk=\x1b\\", " ]52;c;aGk= \\"),
        ("\x9b2Jgone", " 2Jgone"),
        ("a\u202eb\u2066c", "a b c"),
        ("a\rb\x08c", "a b c"),
        ("häuser – 家", "häuser – 家"),
    ],
)
def test_a_terminal_obeys_nothing_in_a_line_but_its_colours(said: str, shown: str) -> None:
    assert harmless(said) == shown


def test_a_line_that_is_too_wide_is_cut_so_that_it_can_be_drawn_over(
    terminal: tuple[TextIO, int],
) -> None:
    stream, reader = terminal
    size = struct.pack("HHHH", 24, 40, 0, 0)
    fcntl.ioctl(reader, termios.TIOCSWINSZ, size)
    screen = Screen(stream)
    for text in ("x" * 100, "家" * 50, "\x1b[31m" + "y" * 100 + "\x1b[0m"):
        screen.draw(["first", text])
    display = pyte.Screen(40, 24)
    feed = pyte.ByteStream(display).feed
    stream.write("end")
    stream.flush()
    while not any(line.startswith("end") for line in display.display):
        feed(os.read(reader, 65536))
    shown = [line.rstrip() for line in display.display if line.strip()]
    assert shown == ["first", "y" * 39 + "…", "end"]
