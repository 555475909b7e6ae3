"""Where a reader of events goes on that comes back, and whether it has missed some.

A position is the number and the time of the last event that was read (``RecordedEvent.position``).
Both are needed: a journal that was removed begins to count again, and one of a controller that was
killed lacks the last moment, so that a number may stand for another event now.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from reconciler.state.journal import events
from reconciler.state.journal.pending import EVENTS_KEPT_OF_APP

PATTERN = r"^([0-9]{1,18})(?:-([0-9]{1,15}))?$"
"""Of the id of an event."""
_CLOSE = 0.001
"""Seconds within which two times are one: a position has milliseconds."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on after the event of this number."""

    after: int
    lost: bool = False
    """Events that followed it are in the journal no more."""
    oldest: float | None = None
    """Since when the journal tells, where some were lost; None: it tells of nothing."""


def parse(position: str) -> tuple[int, float | None]:
    """Number and wall seconds; without a time where only the number is given. ValueError."""
    found = re.fullmatch(PATTERN, position.strip())
    if found is None:
        raise ValueError(f"'{position[:40]}' is not the id of an event")
    return int(found[1]), int(found[2]) / 1000 if found[2] is not None else None


def resumed(db: sqlite3.Connection, id: int, at: float | None, apps: tuple[str, ...]) -> Resumed:
    """Where to go on in this journal. ``apps``: those that are followed, all where empty."""
    after, known = (id, True) if at is None else _place(db, id, at)
    first = events.at(db, "ORDER BY id")
    oldest = first[1] if first else None
    if not known and (first is None or after == 0):
        return Resumed(after, lost=True, oldest=oldest)
    lost = any(_is_trimmed(db, app, after) for app in apps) if apps else _has_gap(db, after)
    return Resumed(after, lost, oldest)


def _place(db: sqlite3.Connection, id: int, at: float) -> tuple[int, bool]:
    """The number to go on after, and whether it is that of the event itself; else it is found by
    the time."""
    below = events.at(db, "WHERE id <= ? ORDER BY id DESC", id)
    above = events.at(db, "WHERE id > ? ORDER BY id", id)
    if below is not None and below[0] == id:
        same = abs(below[1] - at) <= _CLOSE
    else:  # it was removed, as old ones are, or was never written
        same = above is not None and above[1] >= at and (below is None or below[1] <= at)
    if same:
        return id, True
    by_time = events.at(db, "WHERE at <= ? ORDER BY id DESC", at + _CLOSE)
    return (by_time[0], False) if by_time is not None else (0, False)


def _has_gap(db: sqlite3.Connection, after: int) -> bool:
    """Whether numbers are missing: each event has the one after the one before."""
    last = events.at(db, "ORDER BY id DESC")
    return last is not None and last[0] - after > events.count(db, "WHERE id > ?", after)


def _is_trimmed(db: sqlite3.Connection, app: str, after: int) -> bool:
    """Whether the oldest events of an app were removed, and some of them came after ``after``."""
    oldest = events.at(db, "WHERE app = ? ORDER BY id", app)
    is_full = events.count(db, "WHERE app = ?", app) >= EVENTS_KEPT_OF_APP
    return oldest is not None and oldest[0] > after and is_full
