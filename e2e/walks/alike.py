"""Whether a command printed what the page says: words count, numbers, times and spaces do not."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"\b(?:\d+(?:[.,:]\d+)*(?:ms|min|[smhd%]|[KMG]i?B?)?)+")
_HASH = re.compile(r"\b[0-9a-f]{4,}…")
ANY = "..."
"""A line of a page that stands for any lines."""


def alike(said: Sequence[str], printed: str) -> bool:
    """The lines of a page, and what was printed; empty lines do not count."""
    pattern = [_plain(line) for line in said]
    lines = [_plain(line) for line in printed.splitlines()]
    return _match([line for line in pattern if line], [line for line in lines if line])


def _plain(line: str) -> str:
    line = _HASH.sub("#", line)
    line = _NUMBER.sub("#", line)
    return " ".join(re.sub(r"#(?:[-:#T]#|#)*", "#", line).split())


def _match(pattern: list[str], lines: list[str]) -> bool:
    if not pattern:
        return not lines
    if pattern[0] == ANY:
        return any(_match(pattern[1:], lines[start:]) for start in range(len(lines) + 1))
    return bool(lines) and pattern[0] == lines[0] and _match(pattern[1:], lines[1:])
