"""The programs that do the same, each started as its manual says, with the same program below it.

Each is a class of the same shape: ``Peer(home)``, ``supervise(program, stamps)``, ``close()``.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol


class Peer(Protocol):
    """A supervisor that keeps one program up."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    """Programs that must be in the PATH."""

    def __init__(self, home: Path) -> None: ...

    def supervise(self, program: Path, stamps: Path) -> None:
        """Have the program kept up; it is told the FIFO ``stamps``."""

    def close(self) -> None:
        """End the program and the supervisor."""
