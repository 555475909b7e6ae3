"""How far something is, as a bar, a count and the time that it takes."""

from __future__ import annotations

from reconciler.render.formats import count, duration

_CELLS = 20
_NARROW = 60
"""Columns below which there is no room for a bar."""


def bar(done: int, total: int, noun: str, seconds: float, *, columns: int, blocks: bool) -> str:
    """``[█████░░░░░] 5 of 10 apps ready, 12s``. ``blocks``: the terminal has these characters."""
    words = f"{done} of {count(total, noun)} ready, {duration(seconds)}"
    if columns < _NARROW or total == 0:
        return words
    filled = _CELLS * done // total
    full, empty = "█░" if blocks else "#."
    return f"[{full * filled}{empty * (_CELLS - filled)}] {words}"
