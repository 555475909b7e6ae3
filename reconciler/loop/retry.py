"""The controller's own ladder: how long to wait after a failure that is not the app's.

EAGAIN on fork or ENOSPC on a log are the host's trouble. They never count as the app's crash
(design.md#backoff), and are tried again sooner and without end: 0.2 s, doubling, to 15 s, each with
up to a fifth on top at random, so that a thousand instances do not come back in one instant.
"""

from __future__ import annotations

import tenacity

_FIRST = 0.2
_LONGEST = 15.0

_ladder = tenacity.wait_exponential(multiplier=_FIRST, exp_base=2, max=_LONGEST)
_call = tenacity.Retrying(wait=_ladder)


def delay(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th failure in a row, counted from 1."""
    state = tenacity.RetryCallState(_call, None, (), {})
    state.attempt_number = max(1, attempt)
    wait = _ladder(state)
    return wait + tenacity.wait_random(0, wait / 5)(state)
