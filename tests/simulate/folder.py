"""The directory of manifests: real files, which a person edits and inotify tells of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.loop.simulated.clock import Clock


class Folder:
    """``hint`` tells the controller of changed paths; an empty set: of anything."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root = root
        self._clock = clock
        self._away = root.with_name("away")
        self.hint: Callable[[set[Path]], None] = lambda paths: None
        root.mkdir()

    def write(self, file: str, text: str) -> None:
        """The file is of this moment of the simulated clock."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self._date(path)
        self.hint({path})

    def remove(self, file: str) -> None:
        (self.root / file).unlink()
        self.hint(set())

    def take_away(self) -> None:
        """As an unmount, or a checkout that begins with a removal."""
        self.root.rename(self._away)
        self.hint(set())

    def bring_back(self) -> None:
        self._away.rename(self.root)
        self.hint(set())

    def _date(self, path: Path) -> None:
        nanoseconds = self._clock.time_ns()
        os.utime(path, ns=(nanoseconds, nanoseconds))
