"""A kind of child: a small program that behaves as some programs do, and its proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from e2e.matrix.ledger import PRELUDE
from e2e.programs import python


class Kind(NamedTuple):
    """A program, what it does, and how to see that it does it."""

    name: str
    what: str
    code: str
    spec: Mapping[str, Any] = {}
    proof: Callable[[int], bool] = lambda pid: True
    """Of the process itself, whether it became what its name says."""
    lacking: str = ""
    """Why there can be no such program here."""
    ends: tuple[int | None, str | None] | None = None
    """Code or signal with which it ends by itself at once; None for one that stays."""
    counts: bool = False
    """Whether it numbers its lines."""

    def command(self, ledger: Path) -> list[str]:
        """Its command, with the file in which it notes its processes."""
        if self.code.startswith("#!sh"):
            return ["sh", "-c", self.code, "sh", str(ledger)]
        return [*python(f"{PRELUDE}note(b'main')\n{self.code}"), str(ledger)]
