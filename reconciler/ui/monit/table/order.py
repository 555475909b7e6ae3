"""The orders of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.ui.monit.feed.recent import total

Document = Mapping[str, Any]
_WORST = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")
_SYNC = ("OutOfSync", "Unknown", "Synced")

ORDERS = ("name", "health", "cpu", "memory", "restarts")
"""In which `o` goes through them."""
OF_COLUMN = {
    "sync": "health",
    "drift": "health",
    "ready": "health",
    "cpu-graph": "cpu",
    "memory-graph": "memory",
    "message": "health",
    "age": "name",
    "revision": "name",
}
"""What a click on the head of a column means where it is no order's own name."""


def key_of(order: str) -> Callable[[Document], Any]:
    """Sorts apps: the worst, or the largest, first; equal ones by name."""
    if order == "health":
        return lambda app: (_rank(_WORST, app["health"]), _rank(_SYNC, app["sync"]), app["name"])
    if order == "cpu":
        return lambda app: (-(total(app["instances"])[0] or 0), app["name"])
    if order == "memory":
        return lambda app: (-(total(app["instances"])[1] or 0), app["name"])
    if order == "restarts":
        return lambda app: (-app["restarts"], app["name"])
    return lambda app: app["name"]


def instance_key(order: str) -> Callable[[Document], Any]:
    """The same for the instances of one app."""
    if order in ("cpu", "memory"):
        field = {"cpu": "cpuPercent", "memory": "rssBytes"}[order]
        return lambda row: (-(row[field] or 0), number(row["name"]))
    if order == "restarts":
        return lambda row: (-row["restarts"], number(row["name"]))
    if order == "health":
        return lambda row: (row["ready"], number(row["name"]))
    return lambda row: number(row["name"])


def number(name: str) -> tuple[int, str]:
    """The number of an instance, as a number: web-10 comes after web-9."""
    last = name.rpartition("-")[2]
    return (int(last) if last.isascii() and last.isdecimal() else 0), name


def _rank(words: tuple[str, ...], word: str) -> int:
    return words.index(word) if word in words else -1
