"""Small graphs of characters: eighths of a block, or ASCII where the locale is not UTF-8."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#%@"
_FLAT = 0.1


def unicode_locale(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user's locale is UTF-8 (locale(7): the first of these that is set)."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if environ.get(name):
            return "utf" in environ[name].lower()
    return False


def sparkline(values: Sequence[float], *, blocks: bool, top: float = 0.0) -> str:
    """One character a value. What hardly changes is drawn level, not as mountains. With ``top``
    the graph begins at 0, and its top stands for at least so much."""
    return "".join(chart(values, 1, blocks=blocks, top=top))


def chart(values: Sequence[float], rows: int, *, blocks: bool, top: float = 0.0) -> list[str]:
    """So many lines, the top one first; one column a value."""
    low, high = (0.0, max(top, *values, 0.0)) if top else bounds(values)
    ramp = _BLOCKS if blocks else _ASCII
    full = len(ramp) - 1
    # Something is there, however little: the lowest row is never empty.
    filled = [max(1, round((value - low) / (high - low) * full * rows)) for value in values]
    return [
        "".join(ramp[min(full, max(0, one - row * full))] for one in filled)
        for row in reversed(range(rows))
    ]


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """What the foot and the top of a graph stand for: from 0, unless all is far above it."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high - low <= _FLAT * high:
        return 0.0, 2 * high or 1.0
    return (0.0 if low < high / 2 else low - (high - low) / 4), high


def fitted(values: Sequence[float], columns: int) -> list[float]:
    """At most so many values: the highest of each stretch."""
    step = max(1, -(-len(values) // columns))
    return [max(values[n : n + step]) for n in range(0, len(values), step)]
