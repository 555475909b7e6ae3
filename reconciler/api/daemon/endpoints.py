"""The sockets that clients connect to, and the locks of the state directory.

Both are files, which a user may remove: they are made again.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from reconciler.api.server.access import Access
from reconciler.api.server.server import Server, listen
from reconciler.state.journal.database import identity
from reconciler.state.lock import LockHeldError, acquire, is_at
from reconciler.state.paths import NO_ROOM, StatePaths


class Endpoints:
    """The sockets and locks of one controller."""

    def __init__(self, paths: StatePaths, access: Access, locks: list[int], server: Server) -> None:
        self._paths = paths
        self._access = access
        self._locks = locks
        self._server = server
        self._seen: dict[Path, tuple[int, int]] = {}
        """Device and inode of the socket that recon made, by its path."""

    def open(self) -> list[socket.socket]:
        """Listen: in the state directory, else, as root, in the run directory."""
        paths, group = self._paths, self._access.group
        try:
            listeners = [self._listen(paths.socket, None)]
        except OSError as error:
            if error.errno not in NO_ROOM or os.geteuid() != 0:
                raise
            return [self._listen(paths.shared_socket, group)]
        if group is not None:
            listeners.append(self._listen(paths.shared_socket, group))
        else:
            unlink(paths.shared_socket)  # of a controller that had a group
        return listeners

    async def keep(self) -> None:
        """Listen again, and lock again, where a file of recon was removed."""
        with contextlib.suppress(OSError, LockHeldError):
            for path in [self._paths.socket, *self._seen]:
                if self._seen.get(path) != identity(path):
                    group = self._access.group if path == self._paths.shared_socket else None
                    self._server.add(self._listen(path, group))
            for path in filter(None, (self._paths.run_lock, self._paths.lock)):
                if not any(is_at(lock, path) for lock in self._locks):
                    self._locks.append(acquire(path))

    def _listen(self, path: Path, group: int | None) -> socket.socket:
        listener = listen(path, group)
        self._seen[path] = identity(path) or (0, 0)
        return listener


def unlink(*sockets: Path) -> None:
    """Remove the sockets that are there."""
    for path in sockets:
        with contextlib.suppress(OSError):
            path.unlink()
