"""What one process has written since it started, line by line.

Reads the log files, where its output is anyway: nothing is copied and nothing waits. A file that
is rotated meanwhile is read to its end first. What stands in their place (a FIFO, a device, a file
of 8 TiB) was perhaps put there by the app: only regular files are opened, and a look reads no more
than a piece of each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reconciler.observed.logline import LineFormat
from reconciler.system.regular import open_regular

_PIECE = 2**18
"""Bytes that a look reads of a file at most."""
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
        self.not_before = 0.0
        """When it may be looked through again, as its caller notes it."""

    def offsets(self) -> dict[int, int]:
        """Where reading stands, by inode: for the next controller."""
        return {file.inode: file.offset for file in self._files if file.inode}

    def rewind(self) -> None:
        """Look at everything once more, as far as the files are still there."""
        for file in self._files:
            file.rewind(self._began.get(file.inode, 0))

    def read(self) -> list[bytes]:
        """What it said in lines that are new since the last call; not all of them where these are
        many, but the first. Empty where there is nothing new."""
        found: list[bytes] = []
        for file in self._files:
            for line in file.lines():
                said = self._format.parse(line[:_LONGEST])
                if said.instance in (None, self._instance):
                    found.append(said.text)
        return found

    @property
    def has_more(self) -> bool:
        """Whether the last call left something to read."""
        return any(file.has_more for file in self._files)

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
        self.has_more = False
        self._open()
        if self._fd >= 0:
            end = os.fstat(self._fd).st_size
            self.offset = end if offsets is None else offsets.get(self.inode, 0)

    def lines(self) -> Iterable[bytes]:
        """Complete lines that came since, of one piece."""
        if self._fd < 0:
            self._open()
        piece = self._piece()
        if not piece and self._is_replaced():
            piece = self._piece()
        self.offset += len(piece)
        self.has_more = len(piece) == _PIECE or self._is_renamed()
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[:_LONGEST]
        return lines

    def _piece(self) -> bytes:
        try:
            return os.pread(self._fd, _PIECE, self.offset) if self._fd >= 0 else b""
        except OSError:
            return b""

    def rewind(self, offset: int) -> None:
        self.offset, self._rest = offset, b""

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        try:
            self._fd = open_regular(self._path)
        except OSError:
            return  # not written yet, or no log
        self.inode = os.fstat(self._fd).st_ino
        self.offset = 0

    def _is_replaced(self) -> bool:
        """Whether there is another file now; then it is read from its beginning."""
        if not self._is_renamed():
            return False
        self.close()
        self._open()
        return self._fd >= 0

    def _is_renamed(self) -> bool:
        try:
            inode = os.stat(self._path).st_ino
        except OSError:
            return False
        return self._fd >= 0 and inode != self.inode
