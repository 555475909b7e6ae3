"""The lines that were written since the last look, over any number of rotations: tasks of a worker.

Nothing is kept between two looks but how far each log was read. So a reader that is slow, or a
worker that was killed, loses no line as long as the files are there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from reconciler.logs.read import seek
from reconciler.logs.read.compressed import Source, opened
from reconciler.logs.read.files import LogFile, find
from reconciler.logs.read.fingerprints import Fingerprints
from reconciler.logs.read.request import (
    PRINTS,
    BeginOrder,
    Coming,
    ComingOrder,
    Cursor,
    Line,
    LogQuery,
    Place,
    Position,
)
from reconciler.logs.read.search import Found, allow_many_files
from reconciler.logs.read.slices import Slice, give_way, number_of
from reconciler.logs.read.whereabouts import file_of
from reconciler.system.work.session import Session

_NONE = Fingerprints(0, frozenset())


def begin(order: BeginOrder, session: Session) -> Cursor:
    """Where the lines begin that are to come, or that follow a line. OSError."""
    session.at(str(order.query.state_dir / "logs" / order.query.app))
    places = {str(log.path): _begin(log, order.after) for log in _logs(order.query)}
    return {path: place for path, place in places.items() if place is not None}


def look(order: ComingOrder, session: Session) -> Coming:
    """What was written since, as much as fits into one answer. OSError."""
    query = order.query
    session.at(str(query.state_dir / "logs" / query.app))
    allow_many_files()
    give_way()
    found = Slice(query, session.shared.get(PRINTS, _NONE))
    cursor, lost, is_complete = dict(order.cursor), 0, True
    for log in _logs(query):
        path = str(log.path)
        reading = _Reading(log, cursor.get(path, Place(0, 0, 0.0)))
        for one in reading.lines():
            if not found.take(one, log.path):
                is_complete = False
                break
        cursor[path] = reading.place
        lost += reading.is_lossy
        if not is_complete:
            break
    return Coming(tuple(sorted(found.lines, key=_order)), cursor, is_complete, lost)


def _order(line: Line) -> float:
    return line.time or 0.0


def _logs(query: LogQuery) -> list[LogFile]:
    logs = find(query.state_dir, [query.app], query.streams)
    if query.instance is None:
        return logs
    return [log for log in logs if log.instance in (query.instance, None)]


class _Reading:
    """Reads one log on from a place."""

    def __init__(self, log: LogFile, place: Place) -> None:
        self._log = log
        self.place = place
        """Behind the last line that was given out."""
        self.is_lossy = False
        """The file was gone before it was read to its end."""

    def lines(self) -> Iterator[Found]:
        """The lines, oldest first. The caller may stop at any of them."""
        now = time.time()
        place = self.place
        own = file_of(self._log, place.inode, place.at) if place.inode else None
        self.is_lossy = own is None and place.inode != 0
        rotated = [one for one in reversed(self._log.files()) if one.ended is not None]
        if own is None:
            self.place = Place(0, 0, place.at)
            left = [one for one in rotated if (one.ended or 0.0) > place.at]
        elif own.ended is None:
            left = []
        else:
            yield from self._file(own.path, own.ended)
            left = [one for one in rotated if (one.ended or 0.0) > own.ended]
        for path, ended in left:
            self.place = Place(0, 0, self.place.at)
            yield from self._file(path, ended or 0.0)
        if own is None or own.ended is not None:
            self.place = Place(0, 0, self.place.at)
        yield from self._file(self._log.path, now)

    def _file(self, path: Path, at: float) -> Iterator[Found]:
        """The rest of one file. ``at``: when it was rotated, or is looked at."""
        with opened(path) as source:
            if source is None:
                return
            offset = self.place.offset
            if source.size < offset:  # emptied by another program
                offset = 0
            self.place = Place(source.inode, offset, at)
            yield from self._of(source, at)

    def _of(self, source: Source, at: float) -> Iterator[Found]:
        bound = source.written
        for offset, raw in seek.forwards(source, self.place.offset):
            line = self._log.line(raw)
            when = line.time if line is not None else self._log.format.time(raw)
            bound = when if when is not None else bound
            self.place = Place(source.inode, offset + len(raw) + 1, at)
            yield Found(bound, line, source.inode, offset)


def _begin(log: LogFile, after: Position | None) -> Place | None:
    """None: from its first line on."""
    if after is not None:
        return _behind(log, after)
    now = time.time()
    for path, ended in log.files():
        with opened(path) as source:
            if source is not None:
                at = now if ended is None else ended
                return Place(source.inode, seek.end_of_lines(source), at)
    return None


def _behind(log: LogFile, after: Position) -> Place | None:
    """The place behind a line; in another log than that line's the place of its time."""
    now = time.time()
    if number_of(log.path) == after.log:
        own = file_of(log, after.inode, after.key)
        if own is not None:
            with opened(own.path) as source:
                if source is not None:
                    line = next(seek.forwards(source, after.offset), None)
                    offset = after.offset if line is None else line[0] + len(line[1]) + 1
                    return Place(source.inode, offset, now if own.ended is None else own.ended)
    for path, ended in reversed(log.files()):
        if ended is not None and ended < after.key:
            continue
        with opened(path) as source:
            if source is None:
                continue
            if seek.first_time(source, log.format.time) is None:  # it has no times
                offset = seek.end_of_lines(source)
            else:
                offset = seek.seek(source, after.key, log.format.time, after=True)
            return Place(source.inode, offset, now if ended is None else ended)
    return None
