"""Reading the logs back, for ``recon logs``: the last lines, merged by time, and what follows.

Works on the files alone, with or without a controller. Files are read backwards from their ends
in blocks, and only as many lines as are wanted: gigabytes cost no more than kilobytes.
"""

from __future__ import annotations

import gzip
import heapq
import os
import re
import resource
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from reconciler.model.fifo import STREAMS, Stream

POLL = 0.2
"""Seconds between looks at the files while following."""
_BLOCK = 2**16
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
_CURRENT = re.compile(r"(\d+)\.(out|err)\.log")
_ROTATED = re.compile(r"(\d+)\.(out|err)\.log\.(\d{8}-\d{6}-\d{6})(\.gz)?")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of output."""

    app: str
    instance: int
    stream: Stream
    time: float | None
    """When it was written, wall time in seconds; None where the log has no times."""
    text: str


@dataclass(frozen=True, slots=True, order=True)
class LogFile:
    """One stream of one instance: the current file and what was rotated away."""

    app: str
    instance: int
    stream: Stream
    path: Path

    def line(self, raw: bytes) -> LogLine:
        """One line as it stands in the file, less its newline."""
        match = _STAMP.match(raw)
        when = None
        if match is not None:
            raw = raw[match.end() :]
            when = datetime.fromisoformat(match[1].decode()).timestamp()
        return LogLine(self.app, self.instance, self.stream, when, raw.decode(errors="replace"))

    def files(self) -> list[Path]:
        """All files of the stream, newest first. One that is being compressed counts once."""
        rotated: dict[str, Path] = {}
        for file in _entries(self.path.parent):
            match = _ROTATED.fullmatch(file.name)
            if match is None or not file.name.startswith(self.path.name + "."):
                continue
            if match[4] is None or match[3] not in rotated:
                rotated[match[3]] = file
        return [self.path, *(rotated[when] for when in sorted(rotated, reverse=True))]


def find(
    state_dir: Path, apps: Iterable[str] | None = None, streams: Sequence[Stream] = STREAMS
) -> list[LogFile]:
    """The logs below ``state_dir``: of these apps, or of all."""
    wanted = None if apps is None else set(apps)
    found = set()
    for directory in _entries(state_dir / "logs"):
        if wanted is not None and directory.name not in wanted:
            continue
        for file in _entries(directory):
            match = _CURRENT.fullmatch(file.name) or _ROTATED.fullmatch(file.name)
            for stream in streams:
                if match is not None and match[2] == stream:
                    path = directory / f"{match[1]}.{stream}.log"
                    found.add(LogFile(directory.name, int(match[1]), stream, path))
    return sorted(found)


def tail(
    logs: Iterable[LogFile],
    *,
    lines: int | None = None,
    since: float | None = None,
    grep: str | re.Pattern[str] | None = None,
) -> list[LogLine]:
    """The last ``lines`` lines of all logs together (all of them with None), in order of time.

    ``since`` is wall time in seconds; a line without a time stays with the line before it in
    its file, and a log without any times counts as old as its file. ``grep`` is a regular
    expression that a line's text must hold; ``re.error`` where it is none.
    """
    matches = _matcher(grep)
    _allow_many_files()
    # Newest first from every log; heapq.merge then looks at no more than it has to.
    backwards = [_timed(log, since) for log in logs]
    merged = heapq.merge(*backwards, key=lambda item: item[0], reverse=True)
    chosen = (line for _, line in merged if matches(line))
    return [*islice(chosen, lines)][::-1]


def follow(
    logs: Callable[[], Iterable[LogFile]],
    *,
    grep: str | re.Pattern[str] | None = None,
    from_start: bool = False,
) -> Generator[LogLine | None, None, None]:
    """Lines as they are written, from now on; None whenever there is nothing new just now.

    ``logs`` is asked again at each look, so new instances are found. Rotation is followed
    without losing a line; half a line is kept until its end has come. The caller may stop at
    any time, or do something else, where None comes.
    """
    matches = _matcher(grep)
    _allow_many_files()
    followed: dict[LogFile, _Follower] = {}
    first = not from_start
    try:
        while True:
            for log in logs():
                if log not in followed:
                    followed[log] = _Follower(log, at_end=first)
            first = False
            new = [line for follower in followed.values() for line in follower.read()]
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

    def read(self) -> Iterator[LogLine]:
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
        try:
            return os.open(path or self._log.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None

    def _next(self) -> int | None:
        """The file that came after the one that is open, where it was rotated away."""
        if self._fd is None:
            self._fd = self._open()
            return None
        mine = os.fstat(self._fd).st_ino
        newer: Path | None = None
        for path in self._log.files():
            try:
                inode = path.stat().st_ino
            except FileNotFoundError:
                continue
            if inode == mine:
                return None if newer is None else self._open(newer)
            if path.suffix != ".gz":
                newer = path
        return None if newer is None else self._open(newer)

    def _read_open(self) -> Iterator[LogLine]:
        if self._fd is None:
            return
        if os.fstat(self._fd).st_size == 0:  # emptied by somebody
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._rest = b""
        while block := os.read(self._fd, _BLOCK):
            *lines, self._rest = (self._rest + block).split(b"\n")
            for line in lines:
                yield self._log.line(line)


def _timed(log: LogFile, since: float | None) -> Iterator[tuple[float, LogLine]]:
    """(time to sort by, line) of one log, newest first, not older than ``since``."""
    for path in log.files():
        try:
            newest = path.stat().st_mtime
        except FileNotFoundError:
            continue
        if since is not None and newest < since:
            return
        untimed: list[LogLine] = []
        bound = newest
        for raw in _backwards(path):
            line = log.line(raw)
            if line.time is None:
                untimed.append(line)
                continue
            bound = min(bound, line.time)
            if since is not None and bound < since:
                return
            yield from ((bound, earlier) for earlier in untimed)
            untimed.clear()
            yield bound, line
        yield from ((bound, line) for line in untimed)


def _backwards(path: Path) -> Iterator[bytes]:
    """The whole lines of a file, last first. A file that was compressed meanwhile is found."""
    try:
        if path.suffix != ".gz":
            with path.open("rb", buffering=0) as file:
                yield from _lines_backwards(file.fileno())
            return
    except FileNotFoundError:
        path = path.with_name(path.name + ".gz")
    try:
        with gzip.open(path) as packed:
            yield from reversed(packed.read().split(b"\n")[:-1])
    except FileNotFoundError:  # removed by a rotation
        return


def _lines_backwards(fd: int) -> Iterator[bytes]:
    at = os.fstat(fd).st_size
    rest: list[bytes] = []
    """Blocks of a line whose beginning is still to be read, last first."""
    complete = False
    while at > 0:
        size = min(_BLOCK, at)
        at -= size
        first, *lines = os.pread(fd, size, at).split(b"\n")
        if not lines:
            rest.append(first)
            continue
        ended = lines.pop() + b"".join(reversed(rest))
        if complete:
            yield ended
        complete = True  # what follows the last newline is half a line: it is still to come
        yield from reversed(lines)
        rest = [first]
    if complete:
        yield b"".join(reversed(rest))


def _matcher(grep: str | re.Pattern[str] | None) -> Callable[[LogLine], bool]:
    if grep is None:
        return lambda _: True
    pattern = re.compile(grep)
    return lambda line: pattern.search(line.text) is not None


def _allow_many_files() -> None:
    """A file is open for every log: more than the usual 1,024 where there are many instances."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
