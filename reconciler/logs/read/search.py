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
from typing import Protocol

from reconciler.logs.read import seek
from reconciler.logs.read.compressed import Source, opened
from reconciler.logs.read.files import LogFile, LogLine, Rotated

_DAY = 86400.0


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
    backwards = [_newest_first(log, since, until) for log in logs]
    merged = heapq.merge(*backwards, key=lambda item: item[0], reverse=True)
    chosen = (line for _, line in merged if line is not None and matches(line))
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
            for raw in seek.backwards(source, source.size) if source is not None else ():
                return log.format.parse(raw).stream is None
    return False


def _newest_first(
    log: LogFile, since: float | None, until: float | None
) -> Iterator[tuple[float, LogLine | None]]:
    """(time to sort by, line) of one log, last first."""
    with opened(log.path) as current:  # before the others are listed: it may be rotated between
        files = log.files()
        seen = current.inode if current is not None else -1
        if current is not None:
            yield from _backwards(log, current, since, until)
    for index, (path, ended) in enumerate(files):
        if ended is None or _is_later(log, files[index + 1 :], until):
            continue
        if since is not None and ended < since:
            return
        with opened(path) as source:
            if source is not None and source.inode != seen:
                yield from _backwards(log, source, since, until)


def _backwards(
    log: LogFile, source: Source, since: float | None, until: float | None
) -> Iterator[tuple[float, LogLine | None]]:
    if since is not None and source.written < since:
        return
    end, bound = source.size, source.written
    if until is not None:
        if seek.first_time(source, log.format.time) is not None:
            end = seek.seek(source, until, log.format.time, after=True)
            bound = min(bound, until)
        elif bound > until:
            return
    untimed: list[LogLine | None] = []
    for raw in seek.backwards(source, end):
        line = log.line(raw)
        when = line.time if line is not None else log.format.time(raw)
        if when is None:
            untimed.append(line)
            continue
        bound = min(bound, when)
        if since is not None and bound < since:
            return
        yield from ((bound, earlier) for earlier in untimed)
        untimed.clear()
        yield bound, line
    yield from ((bound, line) for line in untimed)


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
