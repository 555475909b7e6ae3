"""How fast an app may be replaced because of what it watches.

A program that writes into a folder that it watches is replaced, starts, writes, and is replaced:
a loop that no single look can tell from a developer who saves often. So a good number of changes
is followed at once; when each comes on the heels of the one before, the next has to wait, twice
as long each time. A loop is harmless then, and told; a developer, who stops to think, hardly waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

HEELS = 15.0
"""Seconds: a change this soon after the one before may be its consequence."""
FREE = 10
"""So many such changes in a row are followed at once."""
LONGEST = 60.0
"""Seconds: no wait is longer."""


def streak(adopted: Sequence[float]) -> int:
    """How many of the last changes each came on the heels of the one before.

    ``adopted``: when changes were followed, ascending, seconds of any one clock.
    """
    count = 0
    for earlier, later in pairwise(adopted):
        count = count + 1 if later - earlier <= _wait(count) + HEELS else 0
    return count


def not_before(adopted: Sequence[float]) -> float:
    """The earliest moment at which the next change may be followed."""
    return adopted[-1] + _wait(streak(adopted)) if adopted else 0.0


def _wait(count: int) -> float:
    return 0.0 if count < FREE else min(LONGEST, 2.0 ** (count - FREE + 1))
