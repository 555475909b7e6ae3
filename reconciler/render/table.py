"""Tables: columns as wide as what is in them, the last one cut to fit the width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.render.terminal import clip, paint, plain

_GAP = 2
# The last column keeps at least so much, for a table wider than its terminal.
_LEAST = 10


class Cell(NamedTuple):
    text: str
    colour: str = ""


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    *,
    columns: int | None,
    colour: bool = False,
) -> list[str]:
    """Lines of a table at most ``columns`` wide (None: as wide as it gets)."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [len(title) for title in header]
    for row in cells:
        widths = [max(size, len(cell.text)) for size, cell in zip(widths, row, strict=True)]
    if columns is not None:
        before = sum(widths[:-1]) + _GAP * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(_LEAST, columns - before))
    titles = [Cell(title) for title in header]
    return [_line(row, widths, colour) for row in (titles, *cells)]


def _cell(cell: str | Cell) -> Cell:
    found = cell if isinstance(cell, Cell) else Cell(cell)
    return Cell(plain(found.text), found.colour)


def _line(row: Sequence[Cell], widths: Sequence[int], colour: bool) -> str:
    parts = []
    for cell, size in zip(row, widths, strict=True):
        text = clip(cell.text, size)
        parts.append(paint(text, cell.colour, on=colour) + " " * (size - len(text)))
    return (" " * _GAP).join(parts).rstrip()
