"""How often a password may be tried: a few times at once, then more and more slowly.

Counted by address, so that an attacker shuts out no other person, and in all, so that many
addresses cost no more than a share of one processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_AT_ONCE = 5
_EACH = 12.0
"""Seconds after which one more try is allowed."""
_IN_ALL = 60
_EACH_IN_ALL = 1.0
_MOST = 1000
"""Addresses that are remembered."""


class Tries:
    """Buckets of tries (token bucket) by address, and one for all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: dict[str, float] = {}
        """By address: when it will have all its tries again. In the order of use."""
        self._all_full_at = 0.0

    def wait(self, address: str) -> float:
        """Take one try: 0 where it is allowed, else the seconds until the next one is."""
        now = self._clock()
        own = max(now, self._full_at.pop(address, now))
        every = max(now, self._all_full_at)
        late = max(own - now - _EACH * (_AT_ONCE - 1), every - now - _EACH_IN_ALL * (_IN_ALL - 1))
        if late <= 0:
            own += _EACH
            self._all_full_at = every + _EACH_IN_ALL
        self._full_at[address] = own
        while len(self._full_at) > _MOST:
            del self._full_at[next(iter(self._full_at))]
        return max(0.0, late)

    def forgive(self, address: str) -> None:
        """The password was right."""
        self._full_at.pop(address, None)
