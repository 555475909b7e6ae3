"""Stands around the effects of the controller: there it is killed, refused or held up.

A process that was killed has no more effects: from then on each one raises ``Killed`` again, so
that no ``finally`` of the real code changes anything. While its objects are closed, so that no
descriptor stays, effects are pretended.
"""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.effects import Effect, Instead, install

_NAMES = re.compile(r"[^/ ]*(?=\.(out|err)\b)|[0-9a-f]{8,}|\d+")
"""The first part of a FIFO's or log's name, nonces, hashes and numbers."""
_FAR = 1 << 60
"""Bytes that a pretended write has written: all."""


class Killed(SystemExit):
    """The controller ends here, and does nothing more. asyncio lets it out of its callbacks."""


class Border:
    """``before`` and ``after`` are asked at each effect of the controller, and of nothing else.

    They get the kind of the effect and how many of this kind there were; see ``kind_of``.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._inside = False
        self._closing = False
        self._thread = threading.get_ident()
        self.dead = False
        """The controller was killed and has not been closed yet."""
        self._kinds: dict[Effect, str] = {}
        self.counts: Counter[str] = Counter()
        """By kind, the effects so far."""
        self.before: Callable[[str, int], object] = lambda kind, count: None
        self.after: Callable[[str, int], object] = lambda kind, count: None

    def install(self) -> Callable[[], None]:
        return install(self._before, self._after)

    def die(self) -> None:
        """The controller is killed, wherever it is."""
        self.dead = True
        raise Killed

    @contextmanager
    def controller(self) -> Iterator[None]:
        """What runs within is the controller."""
        self._inside, was = True, self._inside
        try:
            yield
        finally:
            self._inside = was

    @contextmanager
    def host(self) -> Iterator[None]:
        """What runs within is the host, or a person."""
        self._inside, was = False, self._inside
        try:
            yield
        finally:
            self._inside = was

    @contextmanager
    def closing(self) -> Iterator[None]:
        """What runs within closes the objects of a controller that was killed."""
        self._inside = self._closing = True
        try:
            yield
        finally:
            self._inside = self._closing = self.dead = False

    def around(self, name: str, target: str, call: Callable[[], Any]) -> Any:
        """An effect on the simulated host."""
        effect = Effect(name, target)
        try:
            self._before(effect)
        except Instead:
            raise Killed from None
        result = call()
        self._after(effect)
        return result

    def asked(self, name: str, target: str, call: Callable[[], Any]) -> Any:
        """What changes nothing, and can be refused nevertheless."""
        if self._closing:
            return call()
        return self.around(name, target, call)

    def kind_of(self, effect: Effect) -> str:
        """Its name and target, without what tells one file or process from another."""
        kind = self._kinds.get(effect)
        if kind is None:
            kind = self._kinds[effect] = self._kind_of(effect)
        return kind

    def _kind_of(self, effect: Effect) -> str:
        target = effect.target.replace(self._folder, "")
        if effect.name.startswith("sqlite3."):
            target = " ".join(target.split()[:3])
        return f"{effect.name} {_NAMES.sub('#', target)}".strip()

    def _before(self, effect: Effect) -> None:
        if not self._inside or threading.get_ident() != self._thread:
            return
        if self._closing:
            raise Instead(_pretended(effect))
        if self.dead:
            raise Killed
        kind = self.kind_of(effect)
        self.counts[kind] += 1
        with self.host():
            self.before(kind, self.counts[kind])

    def _after(self, effect: Effect) -> None:
        if not self._inside or self._closing or threading.get_ident() != self._thread:
            return
        kind = self.kind_of(effect)
        with self.host():
            self.after(kind, self.counts[kind])


def _pretended(effect: Effect) -> Any:
    match effect.name:
        case "os.open":
            return os.open(os.devnull, os.O_RDONLY)
        case "os.write" | "os.pwrite":
            return _FAR
        case "os.splice":
            return 0
    return None
