"""What every row gets: a place for its files, the two programs, and a voice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from e2e.bench.program import Program, Stamps
from e2e.bench.subject import Subject, running


@dataclass(slots=True)
class Stage:
    """One run of the benchmark."""

    home: Path
    recon: Path
    program: Program
    quick: bool
    """Fewer samples: to see that it works, not to quote."""
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    def count(self, wanted: int, quick: int) -> int:
        return quick if self.quick else wanted

    def place(self, name: str) -> Path:
        """A path that nobody used yet."""
        return self.home / f"{name}-{next(self._numbers)}"

    @contextmanager
    def stamps(self) -> Iterator[Stamps]:
        stamps = Stamps(self.place("stamps"))
        try:
            yield stamps
        finally:
            stamps.close()

    @contextmanager
    def subject(self) -> Iterator[tuple[Subject, Stamps]]:
        """A running recon and the FIFO its programs tell the time by."""
        with ExitStack() as stack:
            stamps = stack.enter_context(self.stamps())
            yield stack.enter_context(running(self.place("recon"), self.recon)), stamps

    def command(self, stamps: Stamps) -> list[str]:
        """The program's command line."""
        return [str(self.program.path), str(stamps.path)]

    def say(self, text: str) -> None:
        """Progress: one line that is written over on a terminal, lines elsewhere."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text[:79]}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
