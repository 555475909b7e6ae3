"""HTTP on the unix socket: starlette's routing, uvicorn's protocol, inside the controller's loop.

uvicorn's own main loop wakes ten times a second to look for a flag; ours waits for it, so that
an idle controller stays idle. Its signal handlers are not used either: the controller has its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette


class Server(uvicorn.Server):
    """A uvicorn server that sleeps until it is told to leave."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False
            )
        )
        self._leave = asyncio.Event()

    async def main_loop(self) -> None:
        await self._leave.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        """End `serve`; answers under way are not waited for."""
        self.should_exit = self.force_exit = True
        self._leave.set()


def listen(path: Path) -> socket.socket:
    """The controller's socket, for its owner only from its first moment on.

    Bound under another name and renamed, so that a client meets the old socket or the new one,
    never none and never one that does not listen yet.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    before = os.umask(0o177)
    try:
        # Short, however deep the directory: a socket's address has room for 107 bytes.
        listener.bind(f"/proc/self/fd/{folder}/{fresh.name}")
    finally:
        os.umask(before)
        os.close(folder)
    listener.listen(128)
    listener.setblocking(False)
    fresh.rename(path)
    return listener
