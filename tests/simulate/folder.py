"""The directory of manifests: real files, which a person edits and inotify tells of."""

from __future__ import annotations

import errno
import os
import shutil
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
        self._lost: set[str] = set()
        """Folders that cannot be listed now."""
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

    def unmount(self) -> None:
        """What is below is seen: an empty directory, and another one."""
        self.root.rename(self._away)
        self.root.mkdir()
        self.hint(set())

    def mount(self) -> None:
        self.root.rmdir()
        self.bring_back()

    def sweep(self) -> None:
        """All files but the first are gone, as after a checkout of another branch."""
        self._away.mkdir()
        for path in sorted(self.root.glob("**/*.yaml"))[1:]:
            place = self._away / path.relative_to(self.root)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.rename(place)
        self.hint(set())

    def restore(self) -> None:
        if not self._away.exists():
            return
        for path in [*self._away.glob("**/*.yaml")]:
            path.rename(self.root / path.relative_to(self._away))
        shutil.rmtree(self._away)
        self.hint(set())

    def lose(self, folder: str) -> None:
        """A folder cannot be listed: a server does not answer, or a disk is bad."""
        self._lost.add(str(self.root / folder))
        self.hint(set())

    def find(self, folder: str) -> None:
        self._lost.discard(str(self.root / folder))
        self.hint(set())

    def through(self, path: str) -> str:
        """The path, to be listed. OSError where that fails."""
        if path in self._lost:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return path

    def _date(self, path: Path) -> None:
        nanoseconds = self._clock.time_ns()
        os.utime(path, ns=(nanoseconds, nanoseconds))
