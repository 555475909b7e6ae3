"""Small notes on processes, a file each: for what no later look at the process could tell.

A program says READY=1 once, and a line of output passes once. The next controller has to know. The
files lie in the state directory, named by the process's nonce; losing them costs a probe's memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container
from pathlib import Path

STARTED, READY = "started", "ready"
"""Its startup probe has succeeded; it is ready by its own word."""


class Marks:
    """Notes by nonce and name; a name holds no dot."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "marks"

    def set(self, nonce: str, name: str, text: str = "") -> None:
        """Write a note. What cannot be written (a full disk) is only forgotten."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / f"{nonce}.{name}").write_text(text)

    def get(self, nonce: str, name: str) -> str | None:
        """The note's text; None where there is none."""
        try:
            return (self._folder / f"{nonce}.{name}").read_text()
        except OSError:
            return None

    def unset(self, nonce: str, name: str) -> None:
        """Remove one note."""
        with contextlib.suppress(OSError):
            (self._folder / f"{nonce}.{name}").unlink()

    def forget(self, nonce: str, names: tuple[str, ...]) -> None:
        """The process is gone."""
        for name in names:
            self.unset(nonce, name)

    def sweep(self, live: Container[str]) -> None:
        """Remove the notes on processes that are gone."""
        for path in self._folder.glob("*.*") if self._folder.is_dir() else ():
            if path.name.partition(".")[0] not in live:
                path.unlink(missing_ok=True)
