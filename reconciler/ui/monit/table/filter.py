"""What the user typed behind `/`: a part of a name, or a selector of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.model.words.selector import parse

Document = Mapping[str, Any]
Shown = Callable[[Document], bool]


def shown_by(text: str) -> Shown:
    """Which apps to show. ``-l tier=api``, ``tier=api,env!=dev`` and ``!tier`` are selectors; all
    else is looked for in names, instances' names, words of the axes and labels.

    ValueError, a sentence, for a selector that is none yet."""
    text = text.strip()
    selector = text.removeprefix("-l").strip()
    if not selector:
        return lambda app: True
    if text.startswith(("-l", "!")) or "=" in text:
        fulfils = parse(selector)
        return lambda app: fulfils(app.get("labels", {}))
    needle = text.casefold()
    return lambda app: any(needle in part.casefold() for part in _parts(app))


def _parts(app: Document) -> list[str]:
    labels = [f"{key}={value}" for key, value in app.get("labels", {}).items()]
    names = [row["name"] for row in app["instances"]]
    return [app["name"], app["kind"], app["sync"], app["health"], *labels, *names]
