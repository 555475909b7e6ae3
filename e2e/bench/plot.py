"""A plot as SVG: lines over two axes of powers of ten, in the reader's colours, light or dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 640, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 150, 40, 44
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.frame { stroke: #8c959f; fill: none; }
.grid { stroke: #d1d9e0; }
.c0 { --c: #0969da; } .c1 { --c: #bc4c00; } .c2 { --c: #1a7f37; } .c3 { --c: #8250df; }
.line { stroke: var(--c); fill: none; stroke-width: 2; }
.dot, text.name { fill: var(--c); }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .grid { stroke: #3d444d; }
  .c0 { --c: #4493f8; } .c1 { --c: #f0883e; } .c2 { --c: #3fb950; } .c3 { --c: #ab7df8; }
}
"""

Points = Sequence[tuple[float, float]]


def plot(
    title: str, across: str, series: Mapping[str, Points], label: Callable[[float], str]
) -> str:
    """``series``: points by name; ``label``: how a value of the upright axis reads."""
    every = [point for points in series.values() for point in points]
    x_range = _powers([x for x, _ in every])
    y_range = _powers([y for _, y in every])

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = _share(point[0], x_range) * (_WIDTH - _LEFT - _RIGHT) + _LEFT
        y = _HEIGHT - _BOTTOM - _share(point[1], y_range) * (_HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="22">{escape(title)}</text>',
    ]
    for power in range(x_range[0], x_range[1] + 1):
        x, y = place((10**power, 10 ** y_range[0]))
        parts.append(f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}"/>')
        parts.append(f'<text text-anchor="middle" x="{x}" y="{y + 17}">{10**power:,}</text>')
    for power in range(y_range[0], y_range[1] + 1):
        x, y = place((10 ** x_range[0], 10.0**power))
        parts.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}"/>')
        text = escape(label(10.0**power))
        parts.append(f'<text text-anchor="end" x="{x - 6}" y="{y + 4}">{text}</text>')
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    parts.append(f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{width}" height="{height}"/>')
    middle = _LEFT + width / 2
    below = _HEIGHT - 8
    parts.append(f'<text text-anchor="middle" x="{middle}" y="{below}">{escape(across)}</text>')
    taken: list[float] = []
    for number, (name, points) in enumerate(series.items()):
        kind = f"c{number % 4}"
        placed = [place(point) for point in sorted(points)]
        path = " ".join(f"{x},{y}" for x, y in placed)
        parts.append(f'<polyline class="line {kind}" points="{path}"/>')
        parts += [f'<circle class="dot {kind}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in placed]
        beside = placed[-1][1] + 4
        while any(abs(beside - other) < 15 for other in taken):
            beside += 15
        taken.append(beside)
        text = f"{name}, {label(max(points)[1])}"
        x = _WIDTH - _RIGHT + 8
        parts.append(f'<text class="name {kind}" x="{x}" y="{beside}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _powers(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around the values, which are more than 0."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _share(value: float, powers: tuple[int, int]) -> float:
    low, high = powers
    return (math.log10(value) - low) / (high - low)
