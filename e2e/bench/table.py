"""The table on the terminal, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from e2e.bench.figures import Line

_WIDTHS = (30, 11, 20, 9, 3)
_HEAD = ("what", "recon", "peers, same run", "target", "met")


def table(lines: Iterable[Line]) -> Iterator[str]:
    """The head and all lines."""
    yield from _row(_HEAD)
    yield "  ".join("─" * width for width in _WIDTHS)
    for line in lines:
        met = {True: "yes", False: "NO", None: ""}[line.met]
        yield from _row((line.what, line.recon, "\n".join(line.peers), line.target, met))


def _row(cells: tuple[str, ...]) -> Iterator[str]:
    wrapped = [_wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(parts, _WIDTHS, strict=True))
        yield "  ".join(padded).rstrip()


def _wrap(cell: str, width: int) -> list[str]:
    return [part for line in cell.splitlines() for part in textwrap.wrap(line, width)] or [""]
