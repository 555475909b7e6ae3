"""What a person looks for among the apps: words, and conditions as ``tier=api``, ``is:degraded``.

All of them must hold. A word is looked for in the name and the labels, without regard to case.
`static/page.js` does the same while the user types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

App = Mapping[str, Any]


def haystack(app: App) -> str:
    """The text of an app that is searched: each part between blanks, in lower case."""
    labels = (f"{key}={value}" for key, value in app["labels"].items())
    states = (f"is:{app['sync']}", f"is:{app['health']}", f"is:{app['kind']}")
    return f" {' '.join((app['name'], *labels, *states))} ".lower()


def matches(text: str, query: str) -> bool:
    """Whether a haystack has what is looked for."""
    return all(_has(text, word) for word in query.lower().split())


def _has(text: str, word: str) -> bool:
    if "=" in word or word.startswith("is:"):
        return f" {word} " in text
    return word in text
