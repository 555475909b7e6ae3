"""In which order the apps stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Row = Mapping[str, Any]

_HEALTH: Final = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")
_SYNC: Final = ("OutOfSync", "Unknown", "Synced")

SORTS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "name": lambda row: (),
    "sync": lambda row: _place(_SYNC, row["sync"]),
    "health": lambda row: _place(_HEALTH, row["health"]),
    "cpu": lambda row: -row["cpu"],
    "memory": lambda row: -row["memory"],
    "restarts": lambda row: -row["restarts"],
}


def in_order(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """By ``sort``, then by name; what is not known there is sorted by name."""
    key = SORTS.get(sort, SORTS["name"])
    return sorted(rows, key=lambda row: (key(row), row["name"]))


def _place(order: tuple[str, ...], state: str) -> int:
    return order.index(state) if state in order else 0
