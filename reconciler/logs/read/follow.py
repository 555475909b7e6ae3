"""Lines as they are written to logs, over any number of rotations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from reconciler.logs.read.compressed import open_regular
from reconciler.logs.read.files import LogFile, LogLine
from reconciler.logs.read.search import Pattern, allow_many_files, matcher
from reconciler.model.words import logname

POLL = 0.2
"""Seconds between looks at the files while following."""
_BLOCK = 2**16


def follow(
    logs: Callable[[], Iterable[LogFile]],
    *,
    grep: str | Pattern | None = None,
    from_start: bool = False,
) -> Generator[LogLine | None, None, None]:
    """Lines as they are written, from now on; None whenever there is nothing new just now.

    ``logs`` is asked again at each look, so new instances are found. Rotation is followed
    without losing a line; half a line is kept until its end has come. The caller may stop at
    any time, or do something else, where None comes.
    """
    matches = matcher(grep)
    allow_many_files()
    followed: dict[LogFile, _Follower] = {}
    first = not from_start
    try:
        while True:
            for log in logs():
                if log not in followed:
                    followed[log] = _Follower(log, at_end=first)
            first = False
            every = (line for follower in followed.values() for line in follower.read())
            new = [line for line in every if line is not None]
            new.sort(key=lambda line: line.time or 0.0)
            yield from (line for line in new if matches(line))
            yield None
            if not new:
                time.sleep(POLL)
    finally:
        for follower in followed.values():
            follower.close()


class _Follower:
    """One log that is followed: an open file, and how far it was read."""

    def __init__(self, log: LogFile, *, at_end: bool) -> None:
        self._log = log
        self._rest = b""
        self._fd = self._open()
        if at_end and self._fd is not None:
            os.lseek(self._fd, 0, os.SEEK_END)

    def read(self) -> Iterator[LogLine | None]:
        """What was written since the last time, over any number of rotations."""
        while True:
            yield from self._read_open()
            after = self._next()
            if after is None:
                return
            yield from self._read_open()  # written between the last read and the rotation
            self.close()
            self._fd = after

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self, path: Path | None = None) -> int | None:
        return open_regular(path or self._log.path)

    def _next(self) -> int | None:
        """The file that came after the one that is open, where it was rotated away."""
        if self._fd is None:
            self._fd = self._open()
            return None
        own_inode = os.fstat(self._fd).st_ino
        newer: Path | None = None
        for path, _ in self._log.files():
            try:
                inode = path.stat().st_ino
            except FileNotFoundError:
                continue
            if inode == own_inode:
                return None if newer is None else self._open(newer)
            if path.suffix not in logname.PACKED:
                newer = path
        return None if newer is None else self._open(newer)

    def _read_open(self) -> Iterator[LogLine | None]:
        if self._fd is None:
            return
        if os.fstat(self._fd).st_size == 0:  # emptied by another program
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._rest = b""
        while block := os.read(self._fd, _BLOCK):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                yield self._log.line(line)
