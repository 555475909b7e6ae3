"""Gives back the memory that the controller needed for a while, once it is quiet again.

To read a thousand manifests takes code that the following hours do not run.
"""

from __future__ import annotations

from reconciler.system.clock import boot_now
from reconciler.system.resident import give_back, resident

_GROWN = 3 * 2**20
"""Bytes: by so much the controller is larger than after it gave back last."""
_LITTLE = 2**20
"""Bytes: what returns by itself is more rarely given back, and ever more rarely."""
_SOON, _RARELY = 30.0, 3600.0
"""Seconds from one to the next."""
_STILL = 2**18
"""Bytes: between two looks it grows by less where it does nothing in particular."""


class Leanness:
    """Of the controller's own memory."""

    def __init__(self) -> None:
        self._left = 0
        """Resident bytes after something was given back."""
        self._before = 0
        """At the last look."""
        self._wait = _SOON
        self._at = 0.0
        """When something was given back."""

    async def keep(self) -> None:
        """Look, and give back. OSError."""
        now = resident()
        still, self._before = abs(now - self._before) < _STILL, now
        grown, waited = now - self._left, boot_now() - self._at
        if not still or grown < (_LITTLE if waited >= self._wait else _GROWN):
            return
        self._wait = _SOON if grown >= _GROWN else min(2 * self._wait, _RARELY)
        give_back()
        self._left = self._before = resident()
        self._at = boot_now()
