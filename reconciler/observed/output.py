"""What one process has written since it started, looked through for a pattern.

Reads the log files, where its output is anyway: nothing is copied and nothing waits. A file that
is rotated meanwhile is read to its end first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from reconciler.observed.logline import LineFormat

_PIECE = 2**20
_LONGEST = 4096
"""Bytes of a line that a pattern is tried on."""


class Output:
    """The files of one instance, from where they end now (or from ``offsets``, by inode)."""

    def __init__(
        self,
        files: Iterable[Path],
        offsets: dict[int, int] | None = None,
        instance: int | None = None,
        timestamps: tuple[str, ...] = (),
    ) -> None:
        """``timestamps``: formats of times that lines may begin with, beside recon's own."""
        self._instance = instance
        self._format = LineFormat(timestamps)
        self._files = [_Follower(file, offsets) for file in files]
        self._began = self.offsets()
        self.sought = ""
        """What the last call looked for, as its caller notes it."""

    def offsets(self) -> dict[int, int]:
        """Where reading stands, by inode: for the next controller."""
        return {file.inode: file.offset for file in self._files if file.inode}

    def rewind(self) -> None:
        """Look at everything once more, as far as the files are still there."""
        for file in self._files:
            file.rewind(self._began.get(file.inode, 0))

    def find(self, pattern: re.Pattern[bytes]) -> bytes | None:
        """The first line that is new since the last call and matches; None where none does."""
        for file in self._files:
            for line in file.lines():
                said = self._format.parse(line[:_LONGEST])
                if said.instance in (None, self._instance) and pattern.search(said.text):
                    return line
        return None

    def close(self) -> None:
        for file in self._files:
            file.close()


class _Follower:
    """One file that grows, and is replaced by a new one when it is rotated."""

    def __init__(self, path: Path, offsets: dict[int, int] | None) -> None:
        self._path = path
        self._fd = -1
        self._rest = b""
        self.inode = self.offset = 0
        self._open()
        if self._fd >= 0:
            end = os.fstat(self._fd).st_size
            self.offset = end if offsets is None else offsets.get(self.inode, 0)

    def lines(self) -> Iterable[bytes]:
        """Complete lines that came since."""
        while True:
            if self._fd < 0:
                self._open()
            piece = os.pread(self._fd, _PIECE, self.offset) if self._fd >= 0 else b""
            if not piece and not self._is_replaced():
                return
            self.offset += len(piece)
            *lines, rest = (self._rest + piece).split(b"\n")
            self._rest = rest[:_LONGEST]
            yield from lines

    def rewind(self, offset: int) -> None:
        self.offset, self._rest = offset, b""

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # not written yet
        self.inode = os.fstat(self._fd).st_ino
        self.offset = 0

    def _is_replaced(self) -> bool:
        """Whether there is another file now; then it is read from its beginning."""
        try:
            inode = os.stat(self._path).st_ino
        except OSError:
            return False
        if self._fd < 0 or inode == self.inode:
            return False
        self.close()
        self._open()
        return self._fd >= 0
