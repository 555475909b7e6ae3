"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word that is spelt most like this one; empty where none is near.

    difflib is loaded for a mistake only. Where no file is left to open, none is near.
    """
    try:
        from difflib import get_close_matches  # noqa: PLC0415  140 KiB
    except (ImportError, OSError):
        return ""
    return next(iter(get_close_matches(word, [*known], n=1, cutoff=cutoff)), "")
