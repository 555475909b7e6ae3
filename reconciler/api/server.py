"""HTTP on the unix socket, inside the controller's loop: h11's protocol for starlette's routes.

One request a connection, which is all that our clients ask. uvicorn would do it too, for 4 MiB
of the controller's memory, and with a main loop that wakes ten times a second to look at a flag:
an idle controller shall be idle.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import h11
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from reconciler.api.access import Access, Connection
from reconciler.api.guests import MOST, Guests, Turn

_BLOCK = 2**16
_LARGEST = 2**20
"""Bytes of a request's body; ours are a few names."""
_PATIENCE = 30.0
"""Seconds in which a request must have come."""

Message = MutableMapping[str, Any]


class Server:
    """Answers requests for one application."""

    def __init__(self, app: Starlette, access: Access | None = None) -> None:
        self._app = app
        self._access = access or Access()
        self._leave = asyncio.Event()
        self._stack = AsyncExitStack()
        self._connections: set[asyncio.Task[None]] = set()
        self._guests = Guests()

    async def serve(self, *listeners: socket.socket) -> None:
        """Answer until told to leave; answers under way are cut off then."""
        async with self._stack:
            for listener in listeners:
                await self.add(listener)
            await self._leave.wait()
            for connection in self._connections:
                connection.cancel()

    async def add(self, listener: socket.socket) -> None:
        """Answer here, too."""
        # Not start_unix_server, which since Python 3.13 removes the socket by the name that
        # it was bound to; ours was renamed, and goes only when everything was stopped.
        server = await asyncio.start_server(self._connected, sock=listener)
        await self._stack.enter_async_context(server)

    def leave(self) -> None:
        """End ``serve``."""
        self._leave.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(_Exchange(reader, writer), writer.get_extra_info("socket"))
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            pass  # the client went away, or spoke no HTTP
        except asyncio.CancelledError:
            pass  # we leave; nobody waits for this task, and asyncio would report it as failed
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, exchange: _Exchange, peer: Connection) -> None:
        guest = self._access.guest(peer)
        if guest is None:
            await exchange.run(self._app, self._access)
        elif self._guests.enter(guest):
            try:
                await exchange.run(self._app, self._access, lambda: self._guests.turn(guest))
            finally:
                self._guests.leave(guest)
        else:
            told = f"user {guest} has {MOST} connections open already; close some of them"
            await exchange.answer(JSONResponse({"error": told}, status_code=429))


class _Exchange:
    """One request and its answer, between h11's events and ASGI's messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._body: bytes | None = b""
        self._turn: Turn | None = None

    async def run(
        self, app: Starlette, access: Access, turn: Callable[[], Awaitable[Turn]] | None = None
    ) -> None:
        """Answer one request; ``turn``: wait for it first, where the peer shares the loop."""
        async with asyncio.timeout(_PATIENCE):
            request, self._body = await self._request()
        self._turn = await turn() if turn is not None else None
        try:
            await self._answer(request, app, access)
        finally:
            self._end_turn()

    async def answer(self, response: Response) -> None:
        """Answer whatever is asked, unread."""
        await response({"type": "http"}, self._receive, self._send)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()

    async def _answer(self, request: h11.Request, app: Starlette, access: Access) -> None:
        method = request.method.decode("ascii")
        told = access.refusal(self._writer.get_extra_info("socket"), method)
        path, _, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(request.headers),
        }
        answer = JSONResponse({"error": told}, status_code=403) if told else app
        await answer(scope, self._receive, self._send)

    async def _request(self) -> tuple[h11.Request, bytes]:
        request = await self._event()
        if not isinstance(request, h11.Request):
            raise ConnectionResetError("no request")
        body = b""
        while isinstance(data := await self._event(), h11.Data):
            body += data.data
            if len(body) > _LARGEST:
                raise ConnectionResetError("too large a request")
        return request, body

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_BLOCK))
        return event

    async def _receive(self) -> Message:
        """The body once; after that, that the client has gone, as soon as it has."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while await self._reader.read(_BLOCK):
            continue  # a second request on this connection: not served here
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"connection", b"close")]
            self._end_turn()  # what follows is sent as fast as it is read
            self._write(h11.Response(status_code=message["status"], headers=headers))
            return
        self._write(h11.Data(data=message.get("body", b"")))
        if not message.get("more_body", False):
            self._write(h11.EndOfMessage())
        await self._writer.drain()

    def _write(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


def listen(path: Path, group: int | None = None) -> socket.socket:
    """The controller's socket, for its owner only from its first moment on; OSError.

    With ``group`` that may connect as well. Bound under another name and renamed, so that a client
    meets the old socket or the new one, never none and never one that does not listen yet. All of
    it happens by a descriptor of the folder, which nobody else can write to.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _must_be_ours(folder, path.parent)
        return _listen(folder, path.name, group)
    finally:
        os.close(folder)


def _listen(folder: int, name: str, group: int | None) -> socket.socket:
    fresh = f".{name}.{os.getpid()}"
    # Short, however deep the directory: a socket's address has room for 107 bytes.
    bound = Path(f"/proc/self/fd/{folder}/{fresh}")
    bound.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(bound))
        if group is not None:
            os.chown(bound, -1, group)
            bound.chmod(0o660)
        listener.listen(128)
        listener.setblocking(False)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _must_be_ours(folder: int, path: Path) -> None:
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        told = "others could put a socket of theirs there; it must be ours, and ours alone to write"
        raise PermissionError(errno.EPERM, told, str(path))
