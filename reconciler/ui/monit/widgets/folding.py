"""Where a line that is longer than the screen goes on in the next row. Pure."""

from __future__ import annotations

from rich.cells import get_character_cell_size


def breaks(text: str, width: int) -> list[int]:
    """The cells at which the rows of a line begin: after a blank where there is one in the second
    half of the row, else where the row is full. The first is 0."""
    if text.isascii():
        return _of_ascii(text, width)
    starts, row, blank, at = [0], 0, 0, 0
    for char in text:
        size = get_character_cell_size(char)
        if at + size - row > width:
            row = blank if blank - row > width // 2 else at
            starts.append(row)
        at += size
        if char == " ":
            blank = at
    return starts


def _of_ascii(text: str, width: int) -> list[int]:
    starts, row = [0], 0
    while len(text) - row > width:
        blank = text.rfind(" ", row + width // 2, row + width) + 1
        row = blank or row + width
        starts.append(row)
    return starts
