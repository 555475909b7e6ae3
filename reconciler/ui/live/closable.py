"""A client that another thread may end: one that follows waits for the next line without end."""

from __future__ import annotations

import contextlib
from _socket import SHUT_RDWR, socket
from threading import Lock

from reconciler.api.client import Client


class ClosableClient(Client):
    """For one request at a time. After ``close`` that request ends, and no other begins."""

    def __init__(self, like: Client) -> None:
        super().__init__(like._path, like._shared)
        self._lock = Lock()
        self._connection: socket | None = None
        self._closed = False

    def close(self) -> None:
        """End the request that is under way: it raises ControllerLeftError in its thread."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                with contextlib.suppress(OSError):  # it has ended by itself
                    self._connection.shutdown(SHUT_RDWR)

    def _connect(self, timeout: float | None) -> socket:
        connection = super()._connect(timeout)
        with self._lock:
            self._connection = connection
            if self._closed:
                connection.shutdown(SHUT_RDWR)
        return connection
