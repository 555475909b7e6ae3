"""What `watch` leaves out: patterns in .gitignore's syntax, as git itself judges by them.

Git walks from the top and judges each file and folder by itself: the last pattern that means it
holds, and of a folder that is left out nothing is looked at. pathspec makes the expressions, but
judges a whole path at once, in which `*` wins over the `!*/` after it; so the judging is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.desired.watched.globtime import linear

DEFAULTS = (
    *(".git/", ".hg/", ".svn/", "node_modules/", "__pycache__/", ".venv/", "venv/"),
    *(".cache/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".tox/", "coverage/"),
    *("*.pyc", "*.log", "*.pid", "*.sock", "*.tsbuildinfo", ".DS_Store"),
    *("*~", "*.sw?", "*.tmp", ".#*", "#*#", "4913"),
)
"""Never content of a program, or written by it, or by an editor. ``!`` takes one in again."""
_MOST = 100_000
_FOLDER = "ps_d"
"""pathspec's group for the slash behind a folder."""


class Ignored:
    """Names are relative to where the patterns count from; a folder's ends in a slash."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """ValueError where one cannot be read; see ``unreadable``."""
        self._rules = [*reversed(_rules(patterns))]
        self._verdicts: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        """Whether it is left out, where the folder that it lies in is not.

        Remembered: some program writes a thousand times a second into what is left out.
        """
        known = self._verdicts.get(name)
        if known is None:
            if len(self._verdicts) > _MOST:
                self._verdicts.clear()
            verdicts = (leaves_out for leaves_out, means in self._rules if _means(means, name))
            known = self._verdicts[name] = next(verdicts, False)
        return known

    def hides(self, name: str) -> bool:
        """Whether a path, file or folder, is left out, or is in a folder that is."""
        parts = name.split("/")
        above = ("/".join(parts[:depth]) + "/" for depth in range(1, len(parts)))
        return any(folder in self for folder in above) or (name in self and f"{name}/" in self)


def unreadable(patterns: Sequence[str]) -> Iterator[int]:
    """Which of them cannot be read."""
    for index, pattern in enumerate(patterns):
        try:
            _rules((pattern,))
        except ValueError:
            yield index


def _rules(patterns: Sequence[str]) -> list[tuple[bool, re.Pattern[str]]]:
    """(whether it leaves out, what it means), of each that is not a comment. ValueError."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  only those who watch pay for it

    if any(re.fullmatch(r"\s*!?/+\s*", pattern) for pattern in patterns):
        raise ValueError("a slash alone means nothing to git, and everything to pathspec")
    try:
        found: list[Any] = [*GitIgnoreSpec.from_lines(patterns).patterns]
    except re.error as error:  # [z-a]
        raise ValueError(str(error)) from None
    return [
        (one.include, re.compile(linear(one.regex.pattern)))
        for one in found
        if one.include is not None
    ]


def _means(pattern: re.Pattern[str], name: str) -> bool:
    """Whether this file or folder itself is meant, and not only a folder that it lies in."""
    if _FOLDER not in pattern.groupindex:
        return pattern.search(name) is not None
    ends = (match.end(_FOLDER) for match in pattern.finditer(name))
    return any(end in (-1, len(name)) for end in ends)
