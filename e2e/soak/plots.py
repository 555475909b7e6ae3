"""A picture of all series: small plots of the same width, one below the other, each from 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT, _LEFT, _GAP = 560, 44, 190, 16
_POINTS = 300


def picture(times: Sequence[float], values: Mapping[str, Sequence[float]]) -> str:
    """SVG, of a few kilobytes."""
    height = len(values) * (_HEIGHT + _GAP) + 2 * _GAP
    rows = [
        _plot(name, times, series, _GAP + row * (_HEIGHT + _GAP))
        for row, (name, series) in enumerate(values.items())
    ]
    end = f"{times[-1] / 60:.0f} min" if times else ""
    foot = _text(_LEFT + _WIDTH, height - 6, end, "end") + _text(_LEFT, height - 6, "0")
    style = "text{font:12px sans-serif;fill:#555}path{fill:none;stroke:#2a6fb0}line{stroke:#bbb}"
    size = f'width="{_LEFT + _WIDTH + 90}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(rows)}{foot}</svg>\n'
    )


def _plot(name: str, times: Sequence[float], series: Sequence[float], top: int) -> str:
    high = max([*series, 1.0])
    step = max(1, len(series) // _POINTS)
    points = " ".join(
        f"{_LEFT + t / (times[-1] or 1) * _WIDTH:.1f},{top + _HEIGHT * (1 - value / high):.1f}"
        for t, value in list(zip(times, series, strict=True))[::step]
    )
    return (
        _text(8, top + _HEIGHT / 2 + 4, name)
        + f'<line x1="{_LEFT}" y1="{top + _HEIGHT}" x2="{_LEFT + _WIDTH}" y2="{top + _HEIGHT}"/>'
        + f'<path d="M{points}"/>'
        + _text(_LEFT + _WIDTH + 6, top + 10, f"{high:,.0f}")
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'
