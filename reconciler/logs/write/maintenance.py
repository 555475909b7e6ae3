"""Log maintenance without new output: rotation by time, and removal of old files.

One timer for all of them, at the next turn (``rotation``) or the next look for files that are too
old. While no log has a rule of time or age, nothing runs here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container
from pathlib import Path

from reconciler.logs.format.catalog import CatalogWriter
from reconciler.logs.write import logfile, rotation
from reconciler.logs.write.compress import Compressor
from reconciler.logs.write.lane import Lanes, later
from reconciler.model.spec.logs import Logs

_LOOK = 3600.0
"""Seconds between looks for rotated files that are too old; also what a clock may be set by."""
_DEFAULT = Logs()


class Upkeep:
    """The log settings of each app; calls ``turn`` for a place whose logs may be due."""

    def __init__(
        self,
        state_dir: Path,
        loop: asyncio.AbstractEventLoop,
        compressor: Compressor,
        turn: Callable[[str, Logs], None],
        lanes: Lanes,
    ) -> None:
        self._state = state_dir
        self._loop = loop
        self._compressor = compressor
        self._turn = turn
        self._lanes = lanes
        self._catalog = CatalogWriter(state_dir)
        self._logs: dict[str, Logs] = {}
        self._timer: asyncio.TimerHandle | None = None

    def of(self, app: str) -> Logs:
        return self._logs.get(app, _DEFAULT)

    def configure(self, app: str, logs: Logs) -> None:
        """Take over how the logs of an app are to be."""
        before = self._logs.get(app)
        if before is logs or before == logs:
            return
        self._logs[app] = logs
        self._catalog.note(app, logs)
        if logs.rotate.compress or logs.rotate.max_age_days is not None:
            self._tidy(app, logs)
        if _has_time(logs) or (before is not None and _has_time(before)):
            self._plan()

    def keep_catalogs(self) -> None:
        """Write again where logs are, where that was removed. OSError."""
        self._catalog.keep(self._logs)

    def keep(self, app: str, instances: Container[int]) -> None:
        """Remove the logs of an app's other instances, rotated ones too. No error."""
        for place in logfile.places(self._state, self.of(app), app):
            remove, lane = later(logfile.remove_others, place, instances), self._lanes.of(place)
            if lane is None:
                remove()
            else:
                self._lanes.submit(lane, ("keep", place), remove)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        self.close()
        timed = [logs for logs in self._logs.values() if _has_time(logs)]
        if not timed:
            return
        now = time.time()
        turns = (rotation.next_turn(logs.rotate, now) for logs in timed)
        wait = min([turn - now for turn in turns if turn is not None], default=_LOOK)
        self._timer = self._loop.call_later(min(max(wait, 0.0), _LOOK), self._look)

    def _look(self) -> None:
        for app, logs in self._logs.items():
            if rotation.by_time(logs.rotate):
                for place in logfile.places(self._state, logs, app):
                    self._turn(place, logs)
            if logs.rotate.max_age_days is not None:
                self._tidy(app, logs)
        self._plan()

    def _tidy(self, app: str, logs: Logs) -> None:
        for place in logfile.places(self._state, logs, app):
            lane = self._lanes.of(place)
            compressor = lane.compressor if lane is not None else self._compressor
            compressor.request(place, logs.rotate)


def _has_time(logs: Logs) -> bool:
    return rotation.by_time(logs.rotate) or logs.rotate.max_age_days is not None
