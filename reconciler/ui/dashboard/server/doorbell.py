"""A unix socket beside the controller's: who may connect to it is given a new link to the page.

So `recon dashboard` works while the page runs already, also as an App of recon itself. The socket
lies in the state directory, mode 0700, and only root and the page's own user are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_LONGEST = 4096
_SECONDS = 5.0


class Doorbell:
    """Answers each connection with one line, a link. ``path``: None for no doorbell at all."""

    def __init__(self, path: Path | None, link: Callable[[], str]) -> None:
        self._path = path
        self._link = link
        self._server: asyncio.AbstractServer | None = None

    async def __aenter__(self) -> Doorbell:
        if self._path is None:
            return self
        with contextlib.suppress(OSError):  # without it the page works as well
            self._path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(os.fspath(self._path))
            os.chmod(self._path, 0o600)
            self._server = await asyncio.start_unix_server(self._answer, sock=listener)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._path is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        _, uid, _ = struct.unpack(
            "iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )
        with contextlib.suppress(ConnectionError):
            if uid in (0, os.geteuid()):
                writer.write(self._link().encode() + b"\n")
                await writer.drain()
            writer.close()
            await writer.wait_closed()


def ring(path: Path) -> str:
    """A new link of the page that runs; empty where none does."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(os.fspath(path))
            answer = b""
            while len(answer) < _LONGEST and (block := connection.recv(_LONGEST)):
                answer += block
        except OSError:
            return ""
    return answer.decode("ascii", "replace").strip()
