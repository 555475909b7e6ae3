"""A page as pieces of HTML with ids, and what has changed between two of its states.

The server renders pieces; a browser that has one state of them gets only what differs in the next.
So 500 rows of which two change cost two rows: on the wire, and in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Pieces:
    """One state of a page."""

    html: Mapping[str, str] = field(default_factory=dict)
    """By id: the element with that id."""
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By id of a container: the ids of its children, in order."""


def delta(before: Pieces, after: Pieces) -> dict[str, Any]:
    """What a browser needs to come from ``before`` to ``after``; empty where that is nothing.

    ``html``: pieces that are new or differ; ``order``: the containers whose children are others,
    or stand elsewhere. A piece that has gone is in no container any more.
    """
    html = {key: text for key, text in after.html.items() if before.html.get(key) != text}
    order = {key: ids for key, ids in after.order.items() if before.order.get(key) != ids}
    found: dict[str, Any] = {}
    if html:
        found["html"] = html
    if order:
        found["order"] = {key: list(ids) for key, ids in order.items()}
    return found


def portions(change: Mapping[str, Any], most: int = 60) -> list[dict[str, Any]]:
    """The same change in messages that a browser deals with one after the other, between which it
    can answer its user. The order comes last: by then all pieces are known."""
    items = [*change.get("html", {}).items()]
    found: list[dict[str, Any]] = [
        {"html": dict(items[start : start + most])} for start in range(0, len(items), most)
    ]
    if "order" in change:
        needed = {key for ids in change["order"].values() for key in ids}
        fresh = {key: text for key, text in items if key in needed}
        if len(found) <= 1:
            return [dict(change)]
        return [*found, {"html": fresh, "order": change["order"]}]
    return found
