"""Gives back the memory that the controller needed for a while, once it is quiet again."""

from __future__ import annotations

from reconciler.system.resident import give_back, resident

_GROWN = 3 * 2**20
"""Bytes: by so much the controller is larger than after it gave back last."""
_STILL = 2**18
"""Bytes: between two looks it grows by less where it does nothing in particular."""


class Leanness:
    """Of the controller's own memory."""

    def __init__(self) -> None:
        self._left = 0
        """Resident bytes after something was given back."""
        self._before = 0
        """At the last look."""

    async def keep(self) -> None:
        """Look, and give back. OSError."""
        now = resident()
        still, self._before = abs(now - self._before) < _STILL, now
        if still and now - self._left >= _GROWN:
            give_back()
            self._left = self._before = resident()
