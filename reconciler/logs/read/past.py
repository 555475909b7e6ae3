"""The last lines of an app before a place in its logs: a task of a worker process.

A position is one line among those of all instances and streams. So in its own log the lines before
it are known by where they stand, and in the others by their time: the order is that of ``search``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from reconciler.logs.read.files import LogFile, find
from reconciler.logs.read.fingerprints import Fingerprints
from reconciler.logs.read.request import PRINTS, Cursor, Past, PastOrder
from reconciler.logs.read.search import Found, Start, allow_many_files, newest_first
from reconciler.logs.read.slices import Counted, Slice, give_way, number_of, position_of
from reconciler.system.work.session import Session

_NONE = Fingerprints(0, frozenset())


def look(order: PastOrder, session: Session) -> Past:
    """The newest lines, as many as fit into one answer, and the places of those before them.
    OSError."""
    query = order.query
    session.at(str(query.state_dir / "logs" / query.app))
    allow_many_files()
    give_way()
    logs = find(query.state_dir, [query.app], query.streams)
    if query.instance is not None:
        logs = [log for log in logs if log.instance in (query.instance, None)]
    found, counted = Slice(query, session.shared.get(PRINTS, _NONE), order.most), Counted()
    last, is_complete = order.before, order.most == 0
    for one, log in _merged(logs, order) if order.most else ():
        before, last = last, position_of(one, log.path)
        if not found.is_full:
            is_over = not found.take(one, log.path) and not found.is_full
        else:
            if one.line is not None and found.is_wanted(one.line) and before is not None:
                counted.add(one.line, before)
            is_over = found.is_late
        is_complete = len(found.lines) + counted.count >= order.most
        if is_complete or is_over:
            break
    else:
        is_complete = True
    pages = tuple(counted.pages)
    return Past(tuple(found.lines), pages, last, is_complete, is_known=bool(logs))


def _merged(logs: Sequence[LogFile], order: PastOrder) -> Iterator[tuple[Found, LogFile]]:
    """All lines, newest first; of those of one time, the first log's first."""
    merged = heapq.merge(
        *(_of_log(log, index, logs, order) for index, log in enumerate(logs)),
        key=lambda item: item[0].key,
        reverse=True,
    )
    return iter(merged)


def _of_log(
    log: LogFile, index: int, logs: Sequence[LogFile], order: PastOrder
) -> Iterator[tuple[Found, LogFile]]:
    since, until, before = order.query.since, order.query.until, order.before
    end = _end(log, order.ends)
    if order.ends is not None and end is None:
        return  # it is newer than the past
    start = end if before is None else None
    is_shown = False
    if before is not None:
        own = next((n for n, one in enumerate(logs) if number_of(one.path) == before.log), -1)
        if own == index:
            start = Start(before.inode, before.offset, before.key, before.key)
        is_shown = index < own  # all of its lines of that time come earlier in this order
        until = before.key if until is None else min(until, before.key)
    for found in newest_first(log, since, until, start):
        if is_shown and before is not None and found.key >= before.key:
            continue
        if end is not None and found.inode == end.inode and found.offset >= end.offset:
            continue
        yield found, log


def _end(log: LogFile, ends: Cursor | None) -> Start | None:
    place = (ends or {}).get(str(log.path))
    return Start(place.inode, place.offset, place.at) if place is not None else None
