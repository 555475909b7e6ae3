"""Which points of the code ended a life, and at which one the next life is to end."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from e2e.faults.failpoints import Plan

_EACH = 4
"""Of so many lives one ends at a point that was met before, in whatever state it is then."""
_LATEST = 6
_RANGE = (300, 6000)
"""A life ends at the latest when it has met so many points: how many is a matter of dice."""


@dataclass
class Points:
    """``share``: the number of this group, and how many there are; each has points of its own."""

    share: tuple[int, int]
    met: Counter[str] = field(default_factory=Counter)
    """In how many lives."""
    ends: Counter[str] = field(default_factory=Counter)

    def plan(self, number: int, dice: random.Random) -> Plan:
        """Of the life with this number: mostly the first point that has ended none yet."""
        known = sorted(self.met)
        latest = int(math.exp(dice.uniform(*map(math.log, _RANGE))))
        if number % _EACH == _EACH - 1 and known:
            weights = [1 / (1 + self.ends[point]) ** 2 for point in known]
            chosen = dice.choices(known, weights, k=3)
            return Plan(dice.randint(1, _LATEST), chosen, latest=latest)
        return Plan(1, but=[*self.ends], share=self.share, latest=latest)

    def read(self, notes: Path) -> str:
        """Take in what a life wrote; the point that ended it, or empty."""
        ended = ""
        for line in notes.read_bytes().rstrip(b"\0").decode().splitlines():
            what, _, point = line.partition(" ")
            if what == "met":
                self.met[point] += 1
            elif what == "end":
                self.ends[point.rpartition(" (")[0]] += 1
                ended = point
        return ended


def rows(groups: Iterable[Points]) -> dict[str, tuple[int, int, int]]:
    """By place and effect: in how many lives it was met, crashes before it, crashes after it."""
    met, ends = Counter[str](), Counter[str]()
    for one in groups:
        met.update(one.met)
        ends.update(one.ends)
    places = {point.partition(" ")[2] for point in met}
    return {
        place: (met[f"before {place}"], ends[f"before {place}"], ends[f"after {place}"])
        for place in sorted(places)
    }
