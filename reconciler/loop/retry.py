"""The controller's own ladder: how long to wait after a failure that is not the app's.

EAGAIN on fork or ENOSPC on a log are the host's trouble. They never count as the app's crash
(design.md#backoff), and are tried again sooner and without end: 0.2 s, doubling, to 15 s, each with
up to a fifth on top at random, so that a thousand instances do not come back in one instant.
"""

from __future__ import annotations

import random

_FIRST = 0.2
_LONGEST = 15.0
_DOUBLINGS = 10
"""More than it takes to get there."""


def delay(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th failure in a row, counted from 1."""
    doublings = min(max(0, attempt - 1), _DOUBLINGS)
    wait: float = min(_FIRST * 2**doublings, _LONGEST)
    return wait + random.uniform(0, wait / 5)
