"""Browsers that may see the page: each has a cookie with a word that no other page can read."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

_IDLE = 12 * 3600.0
_LONGEST = 7 * 86400.0
_MOST = 64
"""Sessions at a time; of more the one that was idle longest ends."""


class Sessions:
    """The sessions of this process: a restart of the page ends them all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, tuple[float, float]] = {}
        """By word: when it began, and when it was used last. In the order of use."""

    def begin(self) -> str:
        """The word of a new session."""
        word, now = secrets.token_urlsafe(32), self._clock()
        self._times[word] = (now, now)
        while len(self._times) > _MOST:
            del self._times[next(iter(self._times))]
        return word

    def goes_on(self, word: str) -> bool:
        """Whether there is such a session that is not over; it was used now."""
        times = self._times.pop(word, None)
        if times is None:
            return False
        now = self._clock()
        began, used = times
        if now - used > _IDLE or now - began > _LONGEST:
            return False
        self._times[word] = (began, now)
        return True

    def end(self, word: str) -> None:
        self._times.pop(word, None)


def cookie_name(port: int) -> str:
    """Cookies of one host are sent to all of its ports: each page has a name of its own."""
    return f"recon-{port}"


def cookie(name: str, word: str, *, is_secure: bool) -> str:
    """The value of Set-Cookie. An empty ``word`` has the browser forget it."""
    rest = "; Max-Age=0" if not word else f"; Max-Age={int(_LONGEST)}"
    secure = "; Secure" if is_secure else ""
    return f"{name}={word}; Path=/; HttpOnly; SameSite=Strict{rest}{secure}"


def word_of(header: str, name: str) -> str:
    """The word of this page in the header Cookie; empty where there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
