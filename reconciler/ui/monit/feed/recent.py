"""What each instance and each app used lately, for the small graphs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

KEPT = 24
"""Values a graph may show."""
Document = Mapping[str, Any]


class Graphs(NamedTuple):
    cpu: deque[float]
    """Percent of one core."""
    memory: deque[float]
    """Bytes."""


class Recent:
    """By name of an app or of an instance. What is no longer in the status is forgotten."""

    def __init__(self) -> None:
        self._of: dict[str, Graphs] = {}

    def of(self, name: str) -> Graphs:
        """The values of ``name``, oldest first; empty where none are known."""
        return self._of.get(name) or Graphs(deque(), deque())

    def add(self, document: Document) -> None:
        """One more value of each, from a status document."""
        now: dict[str, Graphs] = {}
        for app in document["apps"]:
            rows = app["instances"]
            for row in rows:
                _put(now, self._of, row["name"], row["cpuPercent"], row["rssBytes"])
            _put(now, self._of, f"{app['name']}/", *total(rows))
        self._of = now

    def begin(self, usage: Document) -> None:
        """The memory of the time before the monitor was started, from a usage document."""
        of_apps: dict[str, list[int]] = {}
        for row in usage["instances"]:
            outline = row["outlineBytes"][-KEPT + 1 :]
            self._begin(row["name"], outline)
            sums = of_apps.get(row["app"], [])
            pairs = zip_longest(reversed(sums), reversed(outline), fillvalue=0)
            of_apps[row["app"]] = [one + other for one, other in pairs][::-1]
        for app, sums in of_apps.items():
            self._begin(f"{app}/", sums)

    def _begin(self, name: str, before: list[int]) -> None:
        known = self._of.get(name)
        if known is not None and len(known.memory) == 1:
            known.memory.extendleft(reversed(before))


def total(rows: Iterable[Document]) -> tuple[float | None, int | None]:
    """Processor and memory of these instances; None where nothing is known of any."""
    cpu = [row["cpuPercent"] for row in rows if row["cpuPercent"] is not None]
    memory = [row["rssBytes"] for row in rows if row["rssBytes"] is not None]
    return (sum(cpu) if cpu else None), (sum(memory) if memory else None)


def _put(
    now: dict[str, Graphs],
    before: Mapping[str, Graphs],
    name: str,
    cpu: float | None,
    memory: int | None,
) -> None:
    known = before.get(name) or Graphs(deque(maxlen=KEPT), deque(maxlen=KEPT))
    if cpu is not None:
        known.cpu.append(cpu)
    if memory is not None:
        known.memory.append(memory)
    now[name] = known
