"""The steps of a path, for callers that resolve it one by one: path_resolution(7)."""

from __future__ import annotations

MOST_LINKS = 40
"""Links that the kernel follows on one way."""


def steps_of(path: str) -> list[str]:
    """The names in a path, the last one first: the next step is popped, a link's are added."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
