"""A program in a pseudo-terminal, and what its user sees: keys in, the screen out."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pexpect
import pyte

from tests.waiting import until


class Terminal:
    """A terminal of so many columns and rows; the program in it ends with the ``with``."""

    def __init__(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
    ) -> None:
        columns, rows = size
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        program, *arguments = map(str, command)
        self._child = pexpect.spawn(
            program, arguments, env=dict(environment), dimensions=(rows, columns), timeout=60
        )
        self.raw = b""
        """All that was written to the terminal."""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
            self._child.wait()
        self._child.close(force=True)

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    def type(self, text: str) -> None:
        """Press keys."""
        self._child.send(text)

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    @property
    def text(self) -> str:
        """What stands on the screen now."""
        self._read()
        return "\n".join(line.rstrip() for line in self._screen.display)

    def sees(self, *texts: str, gone: str = "") -> str:
        """Wait until all these stand on the screen, and ``gone`` does not; the screen."""

        def seen() -> str:
            shown = self.text
            is_there = all(text in shown for text in texts)
            return shown if is_there and not (gone and gone in shown) else ""

        try:
            return until(seen)
        except AssertionError:
            message = f"no {texts} (or still {gone!r}):\n{self.text}\n{self.raw[-4000:]!r}"
            raise AssertionError(message) from None

    def ended(self) -> int:
        """Wait until the program has ended; its exit code, or the signal as a negative number."""

        def over() -> bool:
            self._read()
            return not self._child.isalive()

        until(over)
        self._read()
        if self._child.signalstatus is not None:
            return -int(self._child.signalstatus)
        return int(self._child.exitstatus)

    def hang_up(self) -> None:
        """Close the window."""
        self._child.ptyproc.fileobj.close()
        self._child.ptyproc.closed = self._child.closed = True

    def _read(self) -> None:
        while True:
            try:
                block = self._child.read_nonblocking(65536, timeout=0)
            except (pexpect.TIMEOUT, pexpect.EOF, OSError, ValueError):
                return
            self.raw += block
            self._stream.feed(block)
