"""runit and s6: a small supervisor on one service directory each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from e2e.bench.peers import child


class _ServiceDirectory:
    needs: ClassVar[tuple[str, ...]]

    def __init__(self, home: Path) -> None:
        self._service = home / "service"
        self._service.mkdir(parents=True)

    def supervise(self, program: Path, stamps: Path) -> None:
        # `run` is the program itself: no shell in between, which is the best that they can do.
        shutil.copy(program, self._service / "run")
        (self._service / "stamps").symlink_to(stamps)
        # By a relative path: s6 passes it on as an argument, which no FIFO's path must be.
        self._process = child.start([*self.needs, self._service.name], self._service.parent)

    def close(self) -> None:
        child.end(self._process)


class Runit(_ServiceDirectory):
    name: ClassVar[str] = "runit"
    needs: ClassVar[tuple[str, ...]] = ("runsv",)


class S6(_ServiceDirectory):
    name: ClassVar[str] = "s6"
    needs: ClassVar[tuple[str, ...]] = ("s6-supervise",)
