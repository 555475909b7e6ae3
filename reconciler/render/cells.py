"""Columns of a terminal: how many a text takes, cutting, padding and folding by them.

A Chinese character takes two, an accent that is a character of its own none (Unicode: UAX #11).
"""

from __future__ import annotations

from collections.abc import Iterator

_MARK = "…"
_LEAST = 10
"""Columns of text on a line, however narrow the terminal is."""


def cells(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  5 ms that plain ASCII need not pay

    return cell_len(text)


def clip(text: str, columns: int) -> str:
    """``text`` in at most ``columns``, with … where it was cut."""
    if cells(text) <= columns:
        return text
    return _head(text, columns - 1).rstrip() + _MARK if columns > 0 else ""


def clip_middle(text: str, columns: int) -> str:
    """As ``clip``, but of the middle: the ends of names are what tells them apart."""
    if cells(text) <= columns or columns < 5:
        return clip(text, columns)
    back = (columns - 1) // 2
    return _head(text, columns - 1 - back) + _MARK + _head(text[::-1], back)[::-1]


def padded(text: str, columns: int) -> str:
    """``text`` with blanks behind it, up to so many columns."""
    return text + " " * (columns - cells(text))


def fold(text: str, columns: int, *, indent: str = "") -> list[str]:
    """``text`` on lines of at most ``columns``, the later ones behind ``indent``.

    A word that is longer stays whole, so that a path can be copied; between wide characters,
    which are written without blanks, a line may end anywhere.
    """
    if text.isascii():
        import textwrap  # noqa: PLC0415  only for what is to be folded

        return textwrap.wrap(
            text, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    lines: list[str] = []
    line = ""
    for word, before in _words(text):
        start = indent if lines else ""
        if line and cells(f"{start}{line}{before}{word}") > columns:
            lines.append(start + line)
            line = word
        else:
            line = f"{line}{before}{word}" if line else word
    return [*lines, (indent if lines else "") + line] if line else lines


def fold_line(line: str, columns: int | None, *, hang: int = 0) -> list[str]:
    """A line folded behind its own indent, and ``hang`` more; as it is without ``columns``."""
    if columns is None or cells(line) <= columns:
        return [line]
    text = line.lstrip(" ")
    lead = line[: len(line) - len(text)]
    folded = fold(text, max(_LEAST, columns - len(lead)), indent=" " * hang)
    return [lead + one for one in folded]


def _words(text: str) -> Iterator[tuple[str, str]]:
    """Pieces between which a line may end, each with the blank before it."""
    for word in text.split():
        piece, before = "", " "
        for char in word:
            if piece and cells(char) == 2:
                yield piece, before
                piece, before = "", ""
            piece += char
        yield piece, before


def _head(text: str, columns: int) -> str:
    """As many characters as fit."""
    if text.isascii():
        return text[: max(0, columns)]
    taken = min(len(text), max(0, columns))  # a character takes a column, or two, or none
    while taken and cells(text[:taken]) > columns:
        taken -= 1
    return text[:taken]
