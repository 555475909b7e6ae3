"""Reading the logs back, for ``recon logs``: what was written when, by time.

Works on the files alone, with or without a controller, the rotated and compressed ones too. The
last lines are read backwards from the ends, and a time is found by bisection (``seek``): a
gigabyte costs no more than a kilobyte. A line without a time stays with the line before it in its
file, and what has no times at all counts as old as its file.
"""

from __future__ import annotations

import heapq
import re
import resource
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from reconciler.logs.read import seek
from reconciler.logs.read.compressed import Source, opened
from reconciler.logs.read.files import LogFile, LogLine, Rotated
from reconciler.logs.read.whereabouts import file_of

_DAY = 86400.0
_UNTIMED = 10_000
"""Lines without a time that wait for the time of one before them: a log may have none at all."""


class Start(NamedTuple):
    """A place in a file of a log."""

    inode: int
    offset: int
    at: float
    """A time at which that file was the current one, or when it was rotated."""
    key: float = float("inf")
    """The time that the line there is sorted by: those before it are no later."""


class Found(NamedTuple):
    """A line, and where it stands."""

    key: float
    """The time to sort by, wall seconds."""
    line: LogLine | None
    """None: of a stream that is not wanted."""
    inode: int
    offset: int
    """Where it begins in its file, as it is without compression."""


class Pattern(Protocol):
    """The method of a compiled regular expression that is used."""

    def search(self, string: str, /) -> object | None: ...


def tail(
    logs: Iterable[LogFile],
    *,
    lines: int | None = None,
    since: float | None = None,
    until: float | None = None,
    grep: str | Pattern | None = None,
) -> list[LogLine]:
    """The last ``lines`` lines of all logs together (all of them with None), in order of time.

    ``since`` and ``until`` are wall time in seconds, both included. ``grep`` is a regular
    expression that a line's text must hold; ``re.error`` where it is none. OSError where a log
    may not be read.
    """
    matches = matcher(grep)
    allow_many_files()
    # Newest first from every log; heapq.merge then looks at no more than it has to.
    backwards = [newest_first(log, since, until) for log in logs]
    merged = heapq.merge(*backwards, key=lambda item: item[0], reverse=True)
    chosen = (one.line for one in merged if one.line is not None and matches(one.line))
    return [*islice(chosen, lines)][::-1]


def scan(
    logs: Iterable[LogFile],
    *,
    since: float | None = None,
    until: float | None = None,
    grep: str | Pattern | None = None,
) -> Iterator[LogLine]:
    """The same of all lines, as they are read: however many there are, few are held in memory."""
    matches = matcher(grep)
    allow_many_files()
    merged = heapq.merge(
        *(_oldest_first(log, since, until) for log in logs), key=lambda item: item[0]
    )
    return (line for _, line in merged if line is not None and matches(line))


def lacks_stream(log: LogFile) -> bool:
    """Whether its newest line does not say which stream it is from. OSError as above."""
    for path, _ in log.files():
        with opened(path) as source:
            for _, raw in seek.backwards(source, source.size) if source is not None else ():
                return log.format.parse(raw).stream is None
    return False


def newest_first(
    log: LogFile, since: float | None, until: float | None, start: Start | None = None
) -> Iterator[Found]:
    """The lines of one log, last first. ``start``: those before a place in one of its files; where
    that is gone, those up to ``until``."""
    own = file_of(log, start.inode, start.at) if start is not None else None
    if own is None:
        start = None
    with opened(log.path) as current:  # before the others are listed: it may be rotated between
        files = log.files()
        seen = current.inode if current is not None else -1
        if current is not None and (own is None or own.ended is None):
            yield from _backwards(log, current, since, until if own is None else None, start)
            own = start = None
    for index, (path, ended) in enumerate(files):
        if ended is None or (own is None and _is_later(log, files[index + 1 :], until)):
            continue
        if since is not None and ended < since:
            return
        if own is not None and ended != own.ended:
            continue
        with opened(path) as source:
            if source is not None and (own is not None or source.inode != seen):
                yield from _backwards(log, source, since, until if own is None else None, start)
        own = start = None


def _backwards(
    log: LogFile, source: Source, since: float | None, until: float | None, start: Start | None
) -> Iterator[Found]:
    if since is not None and source.written < since:
        return
    inode, end, bound = source.inode, source.size, source.written
    if start is not None:
        end, bound = min(end, start.offset), min(bound, start.key)
    elif until is not None:
        first = seek.first_time(source, log.format.time)
        if (bound if first is None else first) > until:
            return  # what has no time before the first one is as old as that
        if first is not None:
            end = seek.seek(source, until, log.format.time, after=True)
            bound = min(bound, until)
    untimed: list[tuple[int, LogLine | None]] = []
    for offset, raw in seek.backwards(source, end):
        line = log.line(raw)
        when = line.time if line is not None else log.format.time(raw)
        if when is None:
            untimed.append((offset, line))
            if len(untimed) < _UNTIMED:
                continue
        else:
            bound = min(bound, when)
            if since is not None and bound < since:
                return
        yield from (Found(bound, earlier, inode, at) for at, earlier in untimed)
        untimed.clear()
        if when is not None:
            yield Found(bound, line, inode, offset)
    yield from (Found(bound, line, inode, at) for at, line in untimed)


def _oldest_first(
    log: LogFile, since: float | None, until: float | None
) -> Iterator[tuple[float, LogLine | None]]:
    """Lines, oldest first. A file that is rotated meanwhile is neither missed nor read twice."""
    done = float("-inf")
    """Up to which file all is read, by when that was rotated."""
    while True:
        older = _rotated_after(log, done)
        if not older:
            with opened(log.path) as current:
                if _rotated_after(log, done):
                    continue  # in this moment: it is not what was opened
                if current is not None:
                    yield from _forwards(log, current, since, until)
            return
        path, ended = older[0]
        first, done = done, ended
        if since is not None and ended < since:
            continue
        if until is not None and first > until + _slack(log):
            return
        with opened(path) as source:
            if source is not None:
                yield from _forwards(log, source, since, until)


def _rotated_after(log: LogFile, done: float) -> list[tuple[Path, float]]:
    """Oldest first."""
    files = reversed(log.files())
    return [(path, ended) for path, ended in files if ended is not None and ended > done]


def _forwards(
    log: LogFile, source: Source, since: float | None, until: float | None
) -> Iterator[tuple[float, LogLine | None]]:
    if since is not None and source.written < since:
        return
    first = seek.first_time(source, log.format.time)
    bound = source.written if first is None else first
    at = 0
    if first is not None and since is not None and first < since:
        at = seek.seek(source, since, log.format.time)
    if until is not None and bound > until:
        return
    for _, raw in seek.forwards(source, at):
        line = log.line(raw)
        when = line.time if line is not None else log.format.time(raw)
        if when is not None:
            if until is not None and when > until:
                return
            bound = max(bound, when) if first is not None else when
            first = when
        yield bound, line


def _is_later(log: LogFile, older: list[Rotated], until: float | None) -> bool:
    """Whether a file began after that time: when the one before it was rotated."""
    if until is None or not older or older[0].ended is None:
        return False
    return older[0].ended > until + _slack(log)


def _slack(log: LogFile) -> float:
    """By how much a line may seem to be older than it is: a format may leave out the hour."""
    return _DAY if log.timestamps else 1.0


def matcher(grep: str | Pattern | None) -> Callable[[LogLine], bool]:
    if grep is None:
        return lambda _: True
    pattern = re.compile(grep) if isinstance(grep, str) else grep
    return lambda line: pattern.search(line.text) is not None


def allow_many_files() -> None:
    """A file is open for every log: more than the usual 1,024 where there are many instances."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
