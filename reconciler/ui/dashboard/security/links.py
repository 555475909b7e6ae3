"""One-time links: a word in an address that opens the page once."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

_SECONDS = 3600.0
_MOST = 8
"""Links that are not used yet; of more the oldest are void."""


class Links:
    """Words that were given out and not used yet."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def new(self) -> str:
        """A word that opens the page once, within an hour."""
        word = secrets.token_urlsafe(32)
        self._until[word] = self._clock() + _SECONDS
        while len(self._until) > _MOST:
            del self._until[next(iter(self._until))]
        return word

    def use(self, word: str) -> bool:
        """Whether the word opens the page; it does so no second time."""
        given = word.encode()
        found = [known for known in self._until if hmac.compare_digest(known.encode(), given)]
        return bool(found) and self._until.pop(found[0]) > self._clock()
