"""The terminal: whether there is one, how wide it is, colour, and lines that are rewritten.

Colour only on a terminal, and only where ``NO_COLOR`` is not set (no-color.org). What goes into
a pipe or a file is laid out for 80 columns, so that it reads the same everywhere; tables are not
cut there, since a program may look for what stands at the end of a line.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from itertools import cycle
from typing import TextIO

from reconciler.model.words.printable import CONTROLS, plain
from reconciler.render.cells import cells, clip, fold_line

__all__ = [
    "Screen",
    "clip",
    "colours",
    "folded",
    "harmless",
    "is_terminal",
    "paint",
    "plain",
    "room",
    "uncoloured",
    "width",
]

WIDTH = 80

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
_COLOUR = re.compile(r"(\x1b\[[0-9;:]{0,30}m)")
"""ECMA-48: SGR, the one control sequence that changes nothing but looks."""
_TAB = {**CONTROLS, 9: "\t"}


def room(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal, or None where there is none: what goes into a pipe or a file is
    not cut. ``COLUMNS`` overrides."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or WIDTH
    except (OSError, ValueError):
        return None


def width(stream: TextIO | None = None) -> int:
    """Columns to lay text out in: the terminal's, else 80."""
    return room(stream) or WIDTH


def is_terminal(stream: TextIO | None = None) -> bool:
    return (stream or sys.stdout).isatty()


def colours(stream: TextIO | None = None) -> bool:
    """Whether to write in colour on ``stream``."""
    return (
        is_terminal(stream)
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "") != "dumb"
    )


def paint(text: str, colour: str, *, on: bool) -> str:
    """``text`` in a colour, where ``on``."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if on and colour and text else text


def harmless(text: str) -> str:
    """The line of a program for a terminal: with its colours, which end with it, and its tabs, and
    nothing else that a terminal would obey."""
    if text.isprintable() and text.isascii():
        return text
    if "\x1b" not in text:
        return text.translate(_TAB)
    parts = _COLOUR.split(text)
    kept = (part if odd else part.translate(_TAB) for part, odd in zip(parts, cycle((0, 1))))
    return "".join(kept) + ("\x1b[0m" if len(parts) > 1 else "")


def folded(text: str, stream: TextIO | None = None) -> str:
    """Sentences whose lines end between words on a terminal; elsewhere as they are."""
    if not is_terminal(stream):
        return text
    columns = room(stream)
    return "\n".join(line for one in text.split("\n") for line in fold_line(one, columns, hang=2))


def uncoloured(text: str) -> str:
    """``text`` without the colours in it."""
    return _COLOUR.sub("", text) if "\x1b" in text else text


class Screen:
    """Lines at the end of a terminal that are drawn over again; only to be used on one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0

    def draw(self, lines: Sequence[str]) -> None:
        """Put ``lines`` in the place of those drawn before; no more than the screen holds, and
        none wider: a line that the terminal wraps could not be drawn over."""
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            size = os.terminal_size((WIDTH, 25))
        rows = size.lines - 1
        shown = [_fitting(line, size.columns or WIDTH) for line in lines]
        if len(shown) > rows > 1:
            shown = [*shown[: rows - 1], f"… and {len(shown) - rows + 1} more"]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._stream.write(up + "".join(f"\x1b[K{line}\n" for line in shown) + "\x1b[J")
        self._stream.flush()
        self._drawn = len(shown)


def _fitting(line: str, columns: int) -> str:
    """A line that fits; cut, and then without its colours, where it does not."""
    text = uncoloured(line)
    return line if cells(text) <= columns else clip(text, columns)
