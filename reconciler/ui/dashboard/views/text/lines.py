"""Numbers over time as the path of an SVG: made here, so that the page needs no script for it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.render.sparkline import bounds

Point = tuple[float, float]


def spark(values: Sequence[float], width: int = 72, height: int = 18) -> str:
    """A small line without axes; what hardly changes is drawn level."""
    if len(values) < 2:
        return ""
    low, high = bounds(values)
    step = width / (len(values) - 1)
    points = [
        (number * step, (height - 1) * (1 - (value - low) / (high - low)) + 0.5)
        for number, value in enumerate(values)
    ]
    return path(points)


def path(points: Sequence[Point]) -> str:
    """``M0 1L2 3``, to a tenth of a pixel."""
    return "".join(
        f"{'M' if number == 0 else 'L'}{_number(x)} {_number(y)}"
        for number, (x, y) in enumerate(points)
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
