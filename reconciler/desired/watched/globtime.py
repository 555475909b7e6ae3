"""Patterns of .gitignore as regular expressions that take no longer than the name is long, or so.

pathspec writes `*` as ``[^/]*`` and `**` as ``(?:.+/)?`` and ``(?:/.+)?``, and ``re`` tries all
ways to share a name among them: with seven stars and a name of 100 letters that never ends. But a
piece between two stars may as well match at the first place where it can: what it leaves is the
next star's. So each such piece is an atomic group, which is never tried again elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STAR = "[^/]*"
_ABOVE = "(?:.+/)?"
_BETWEEN = "(?:/.+)?"
_TOKEN = re.compile(
    r"\[\^/\]\*|\(\?:\.\+/\)\?|\(\?:/\.\+\)\?|\(\?:\(\?P<ps_d>/\)\|\$\)|\(\?P<ps_d>/\)"
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.",
    re.DOTALL,
)


def linear(pattern: str) -> str:
    """An expression that finds the same in a name, in which no two slashes are neighbours."""
    pieces = [*_pieces(_TOKEN.findall(pattern))]
    made = []
    for index, (start, inside) in enumerate(pieces):
        if start == _BETWEEN and index + 1 < len(pieces):
            made.append(f"(?>(?:/[^/]+)*?{_with_stars(inside)}(?=/))")
        elif start == _BETWEEN:
            made.append(f"(?:/[^/]+)*{_with_stars(inside)}")
        else:
            made.append(_with_stars(inside))
    return "".join(made).replace(_ABOVE, "(?:[^/]+/)*")


def _pieces(tokens: list[str]) -> Iterator[tuple[str, list[str]]]:
    """What stands between two `**`, and the one that it begins with."""
    start, inside = "", list[str]()
    for token in tokens:
        if token == _BETWEEN:
            yield start, inside
            start, inside = token, []
        else:
            inside.append(token)
    yield start, inside


def _with_stars(tokens: list[str]) -> str:
    """One piece: what stands between two stars of one name is an atomic group with the first."""
    made, star = list[str](), -1
    """``star``: where in ``made`` the last star of this name stands."""
    for token in tokens:
        if token == _STAR and star >= 0:
            held = "".join(made[star + 1 :])
            made[star:] = [f"(?>{_STAR}?{held})"] if held else []
        if token == _STAR:
            star = len(made)
        elif token == "/" or token.startswith("(?"):
            star = -1
        # To git no set of characters holds a slash; to pathspec `[!a]` does.
        is_set = token.startswith("[") and token != _STAR
        made.append(f"(?!/){token}" if is_set else token)
    return "".join(made)
