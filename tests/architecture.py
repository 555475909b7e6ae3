"""`docs/architecture.svg`, drawn from the code: ``python -m tests.architecture`` (`make picture`).

Rows are the layers that import-linter keeps (`pyproject.toml`), an arrow is an import that the
graph of the modules really has, and the words in a box begin its package's docstring. An import
that follows from others (``cli`` → ``loop``, by way of ``api``) has no arrow. Colours are readable
on a light and on a dark page.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/architecture.svg"
_PACKAGE = "reconciler"

_WIDTH, _BOX, _HEIGHT, _GAP, _MARGIN = 860, 180, 64, 48, 24
_SLOTS = (0, 80, -80)
"""Where an arrow may leave a box, from its middle."""
_PLAIN, _PURE, _LINE = "#dbe4f0", "#d5ecd4", "#7d8590"

Edges = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Box:
    """A package in the picture; ``x`` is its middle."""

    name: str
    words: str
    row: int
    x: float
    width: float
    pure: bool

    @property
    def top(self) -> float:
        return _MARGIN + self.row * (_HEIGHT + _GAP)

    @property
    def bottom(self) -> float:
        return self.top + _HEIGHT

    def spans(self, x: float) -> bool:
        return abs(x - self.x) < self.width / 2


def imports() -> Edges:
    """Which package imports which."""
    graph = grimp.build_graph(_PACKAGE, cache_dir=None)
    found = set()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = _package(module), _package(other)
            if all(pair) and pair[0] != pair[1]:
                found.add(pair)
    return frozenset(found)


def _package(module: str) -> str:
    """The package that a module is in; empty for those of the root."""
    parts = module.split(".")
    folder = len(parts) > 1 and (ROOT / _PACKAGE / parts[1]).is_dir()
    return parts[1] if folder else ""


def reduced(edges: Edges) -> Edges:
    """Without those that follow from others (transitive reduction; the layers have no circles)."""
    return frozenset(
        (a, b)
        for a, b in edges
        if not any(_reaches(edges, c, b) for x, c in edges if x == a and c != b)
    )


def _reaches(edges: Edges, a: str, b: str) -> bool:
    return a == b or any(_reaches(edges, c, b) for x, c in edges if x == a)


def layers() -> list[list[str]]:
    """The packages, from the top to the bottom."""
    contracts = _contracts()
    (rows,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in re.split("[|:]", row)] for row in rows]


def pure() -> set[str]:
    """The packages that may do no I/O."""
    return {
        source.removeprefix(f"{_PACKAGE}.")
        for one in _contracts()
        if "time" in one.get("forbidden_modules", ())
        for source in one["source_modules"]
    }


def _contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return contracts


def words(package: str) -> str:
    """How a package's docstring begins."""
    source = (ROOT / _PACKAGE / package / "__init__.py").read_text()
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    return re.split(r"[.:;,]", text.replace("``", ""))[0]


def placed(rows: list[list[str]], edges: Edges) -> dict[str, Box]:
    """Each box above the middle of what it imports; the lowest is as wide as the picture."""
    widest = max(range(len(rows)), key=lambda row: len(rows[row]))
    step = _WIDTH / len(rows[widest])
    x = {name: step * (at + 0.5) for at, name in enumerate(rows[widest])}
    for row in reversed(rows[:widest]):
        x |= _apart({name: _middle([b for a, b in edges if a == name], x) for name in row})
    for row in rows[widest + 1 :]:
        x |= _apart({name: _middle([a for a, b in edges if b == name], x) for name in row})
    last = rows[-1][0]
    clean = pure()
    return {
        name: Box(
            name,
            words(name),
            at,
            _WIDTH / 2 if name == last else x[name],
            _WIDTH - 2 * _MARGIN if name == last else _BOX,
            name in clean,
        )
        for at, row in enumerate(rows)
        for name in row
    }


def _middle(names: list[str], x: Mapping[str, float]) -> float:
    there = [x[name] for name in names if name in x]
    return sum(there) / len(there) if there else _WIDTH / 2


def _apart(x: Mapping[str, float]) -> dict[str, float]:
    """The boxes of a row, side by side about their common middle where they would overlap."""
    names = sorted(x, key=lambda name: x[name])
    step = _BOX + 2 * _MARGIN
    if all(x[right] - x[left] >= step for left, right in pairwise(names)):
        return dict(x)
    first = sum(x.values()) / len(x) - step * (len(x) - 1) / 2
    return {name: first + step * at for at, name in enumerate(names)}


def drawn() -> str:
    """The picture."""
    edges = reduced(imports())
    boxes = placed(layers(), edges)
    bottom = max(box.bottom for box in boxes.values()) + _MARGIN + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom:g}"'
            ' font-family="system-ui, sans-serif" font-size="12" text-anchor="middle">',
            "<title>The packages of recon: an arrow is an import</title>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{_LINE}"/>'
            "</marker></defs>",
            *(_arrow(boxes[a], boxes[b], boxes) for a, b in sorted(edges)),
            *(line for box in boxes.values() for line in _box(box)),
            f'<text x="{_WIDTH / 2:g}" y="{bottom - 16:g}" fill="{_LINE}">An arrow is an import;'
            " those that follow from others are left out. Green is pure: no clock, no I/O.</text>",
            "</svg>\n",
        ]
    )


def _arrow(source: Box, target: Box, boxes: Mapping[str, Box]) -> str:
    """Straight down where the target is below, else a curve to its middle."""
    between = [box for box in boxes.values() if source.row < box.row < target.row]
    lanes = [source.x + slot for slot in _SLOTS]
    free = [x for x in lanes if target.spans(x) and not any(box.spans(x) for box in between)]
    start = free[0] if free else source.x
    end = start if free else target.x
    half = (target.top - source.bottom) / 2
    return (
        f'<path d="M{start:g} {source.bottom:g}C{start:g} {source.bottom + half:g} {end:g}'
        f' {target.top - half:g} {end:g} {target.top:g}" fill="none" stroke="{_LINE}"'
        ' stroke-width="1.5" marker-end="url(#head)"/>'
    )


def _box(box: Box) -> Iterator[str]:
    fill = _PURE if box.pure else _PLAIN
    yield (
        f'<rect x="{box.x - box.width / 2:g}" y="{box.top:g}" width="{box.width:g}"'
        f' height="{_HEIGHT}" rx="6" fill="{fill}" stroke="{_LINE}"/>'
    )
    yield (
        f'<text x="{box.x:g}" y="{box.top + 20:g}" font-size="14" font-weight="600"'
        f' fill="#1f2328">{escape(box.name)}</text>'
    )
    for at, line in enumerate(textwrap.wrap(box.words, 26)[:2]):
        y = box.top + 38 + 15 * at
        yield f'<text x="{box.x:g}" y="{y:g}" fill="#40474f">{escape(line)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawn())
