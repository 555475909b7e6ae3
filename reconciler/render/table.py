"""Tables that fit: columns as wide as what is in them, and less where the terminal is narrow.

What goes into a pipe has no width, so nothing is left out or cut there, and each column stays
where it is. On a terminal that is too narrow, first the columns go that a reader misses least,
then the last one goes to a line of its own below each row or is cut, then the middle of the
longest names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.render.cells import cells, clip, clip_middle, fold, padded
from reconciler.render.terminal import paint, plain

_GAP = 2
# The last column keeps at least so much, for a table wider than its terminal.
_LEAST = 10
# A sentence in less room than this is not worth reading.
_SENTENCE = 20
# So much of a name is kept however narrow it gets.
_NAME = 8
_INDENT = "  "


class Cell(NamedTuple):
    text: str
    colour: str = ""


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    columns: int | None,
    colour: bool = False,
    spare: Sequence[str] = (),
    below: bool = False,
    whole: bool = False,
) -> list[str]:
    """Lines of a table at most ``columns`` wide (None: as wide as it gets).

    ``spare``: titles of the columns to leave out first where it is too wide; ``below``: the last
    column is a sentence, which may stand below its row; ``whole``: it is folded, not cut.
    """
    grid = [[Cell(title) for title in header], *([_cell(cell) for cell in row] for row in rows)]
    sentences: list[Cell] = []
    if columns is not None:
        grid = _without_spare(grid, spare, columns, _SENTENCE if below else _LEAST)
        if below and _room_of_last(grid, columns) < min(_SENTENCE, _widths(grid)[-1]):
            sentences = [row[-1] for row in grid]
            grid = [row[:-1] for row in grid]
    widths = _widths(grid)
    if columns is not None:
        widths = _fitted(widths, columns, keeps_last=bool(sentences))
    lines = []
    for number, row in enumerate(grid):
        if whole and not sentences:
            lines += _whole(row, widths, colour)
        else:
            lines.append(_line(row, widths, colour))
        if number and sentences and sentences[number].text and columns is not None:
            lines += _below(sentences[number], columns - len(_INDENT), colour, whole)
    return lines


def _whole(row: Sequence[Cell], widths: Sequence[int], colour: bool) -> list[str]:
    """A row whose last column is folded."""
    *others, (text, painted) = row
    first, *rest = fold(text, max(_LEAST, widths[-1])) or [""]
    before = " " * (sum(widths[:-1]) + _GAP * (len(widths) - 1))
    line = _line(
        [*others, Cell(first, painted)], [*widths[:-1], max(widths[-1], cells(first))], colour
    )
    return [line, *(before + paint(one, painted, on=colour) for one in rest)]


def _below(sentence: Cell, columns: int, colour: bool, whole: bool) -> list[str]:
    text, painted = sentence
    columns = max(_LEAST, columns)
    lines = fold(text, columns) if whole else [clip(text, columns)]
    return [_INDENT + paint(line, painted, on=colour) for line in lines]


def _cell(cell: str | Cell) -> Cell:
    found = cell if isinstance(cell, Cell) else Cell(cell)
    return Cell(plain(found.text), found.colour)


def _widths(grid: Sequence[Sequence[Cell]]) -> list[int]:
    return [max(cells(cell.text) for cell in column) for column in zip(*grid, strict=True)]


def _room_of_last(grid: Sequence[Sequence[Cell]], columns: int) -> int:
    widths = _widths(grid)
    return columns - sum(widths[:-1]) - _GAP * (len(widths) - 1)


def _without_spare(
    grid: list[list[Cell]], spare: Sequence[str], columns: int, least: int
) -> list[list[Cell]]:
    """The table without the columns that there is no room for."""
    for title in spare:
        if _room_of_last(grid, columns) >= min(least, _widths(grid)[-1]):
            break
        kept = [index for index, cell in enumerate(grid[0]) if cell.text != title]
        grid = [[row[index] for index in kept] for row in grid]
    return grid


def _fitted(widths: list[int], columns: int, *, keeps_last: bool) -> list[int]:
    """Widths of columns that fit: the last is cut first, then the longest of the others."""
    room = columns - _GAP * (len(widths) - 1)
    if not keeps_last:
        widths[-1] = min(widths[-1], max(_LEAST, room - sum(widths[:-1])))
    while sum(widths) > room:
        longest = max(range(len(widths)), key=lambda index: widths[index])
        if widths[longest] <= _NAME:
            break
        widths[longest] -= 1
    return widths


def _line(row: Sequence[Cell], widths: Sequence[int], colour: bool) -> str:
    parts = []
    last = len(row) - 1
    for number, (cell, size) in enumerate(zip(row, widths, strict=True)):
        text = clip(cell.text, size) if number == last else clip_middle(cell.text, size)
        parts.append(paint(text, cell.colour, on=colour) + padded("", size - cells(text)))
    return (" " * _GAP).join(parts).rstrip()
