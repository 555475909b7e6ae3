"""A journal as after months: full to the bounds that recon keeps, so that only a leak can grow it.

Between a bound and twice that the number of an app's events swings; the file keeps the room."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from reconciler.model.state.event import EndDetails
from reconciler.state.journal.pending import EVENTS_KEPT_OF_APP

_MESSAGE = "instance 0 exited with code 7 after 12 s; the next try is in 21 s, " + "x" * 60
_ENDED = EndDetails(code=7, uptime=12.0, stderr=tuple("a line of stderr, " * 5 for _ in range(10)))


def age(database: Path, apps: Iterable[str]) -> int:
    """Fill the journal, which no controller has open, with events; how many there are now."""
    with sqlite3.connect(database) as db:
        (last,) = db.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
        detail = json.dumps(asdict(_ENDED))
        for app in apps:
            for _ in range(2 * EVENTS_KEPT_OF_APP):
                last += 1
                row = (last, time.time() - 86_400, app, 0, "Normal", "Aged", _MESSAGE)
                db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                db.execute("INSERT OR REPLACE INTO detail VALUES (?, ?, NULL)", (last, detail))
        (count,) = db.execute("SELECT count(*) FROM event").fetchone()
    db.close()
    return int(count)
