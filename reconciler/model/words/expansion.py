"""`$(NAME)` in a command: the value of the app's own variable, as in Kubernetes.

`$$(NAME)` stands for `$(NAME)` itself, and a name that the app does not declare stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_REFERENCE = re.compile(r"\$(\$?)\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def expanded(command: Sequence[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """The words with each reference replaced, once: what a value holds is not looked at again."""

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        return variables.get(found[2], found[0])

    return tuple(_REFERENCE.sub(value, word) if "$(" in word else word for word in command)


def references(command: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The names that are referred to, each with the index of its word."""
    for index, word in enumerate(command):
        for found in _REFERENCE.finditer(word) if "$(" in word else ():
            if not found[1]:
                yield index, found[2]
