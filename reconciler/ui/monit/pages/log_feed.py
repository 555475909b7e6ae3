"""The lines of one app's logs as they are written, read in a thread of their own."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock
from typing import Any

from reconciler.api.errors import ClientError
from reconciler.ui.live.closable import ClosableClient
from reconciler.ui.monit.feed.background import beside

Line = dict[str, Any]

_AGAIN = 1.0
"""Seconds between two tries while no controller answers."""
_MOST = 3000
"""Lines that wait to be shown. Of a flood the newest are; what is left out is counted."""
_MISSED = 1000
"""Lines of the time without a controller that are asked for when it is back."""


class LogFeed:
    """Follows the logs of one app, over restarts of the controller, until it is closed."""

    def __init__(self, client: ClosableClient, app: str, *, lines: int, **query: Any) -> None:
        self._client = client
        self._app, self._lines_before, self._query = app, lines, query
        self._closed = False
        self._lock = Lock()
        self._waiting: deque[Line] = deque(maxlen=_MOST)
        self._received = 0
        self._seen: deque[object] = deque(maxlen=_MISSED)
        self._began = time.monotonic()
        self.problem = ""
        """Why no lines come now, a sentence; empty where they do."""

    def start(self) -> None:
        beside(self._run, f"logs-{self._app}")

    def close(self) -> None:
        """No line is read any more."""
        self._closed = True
        self._client.close()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has come for so long that nothing is there."""
        return time.monotonic() - self._began > _AGAIN

    def taken(self) -> tuple[list[Line], int]:
        """The lines since the last call, and how many others were left out."""
        with self._lock:
            lines, received = [*self._waiting], self._received
            self._waiting.clear()
            self._received = 0
        return lines, received - len(lines)

    def _run(self) -> None:
        after: str | None = None
        lines = self._lines_before
        while not self._closed:
            try:
                for line in self._client.logs(
                    self._app, lines=lines, after=after, follow=True, **self._query
                ):
                    if self._closed:
                        return
                    self.problem = ""
                    self._put(line)
                    after, lines = line["position"] or after, _MISSED
            except ClientError as error:
                self.problem = str(error)
            if self._closed:
                return
            time.sleep(_AGAIN)

    def _put(self, line: Line) -> None:
        position = line["position"]  # a notice of the controller has none
        if position is not None and position in self._seen:
            return  # it came before the controller was restarted
        self._seen.append(position)
        with self._lock:
            self._waiting.append(line)
            self._received += 1
