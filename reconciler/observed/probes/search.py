"""Regular expressions on what programs write, with a deadline: one may take any time.

``re`` backtracks: on a line that it does not match, a harmless pattern may take years, and it
holds the interpreter all the while. So a pattern with anything to repeat or to choose is tried in
a worker process, with a deadline. (An engine of linear time would do without; RE2 reads ``\\s``,
``{,3}`` and ``[[:alpha:]]`` otherwise, and no manifest says which it means.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.system.work.session import Session

SEARCH = f"{__name__}:search"
_SHORT = 200
_CHOICES = frozenset("*+?{|(")


def is_plain(pattern: str) -> bool:
    """Whether no line can make it slow: it repeats nothing, and chooses nothing."""
    return len(pattern) <= _SHORT and _CHOICES.isdisjoint(pattern)


def first_match(pattern: str, lines: Sequence[bytes]) -> int | None:
    """The index of the first line that matches; None where none does."""
    found = re.compile(pattern.encode())
    return next((index for index, line in enumerate(lines) if found.search(line)), None)


def search(argument: tuple[str, Sequence[bytes]], session: Session) -> int | None:
    """The same, as a task."""
    return first_match(*argument)
