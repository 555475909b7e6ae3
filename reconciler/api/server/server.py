"""HTTP on the unix socket, inside the controller's loop: h11's protocol for an ASGI application.

One request a connection, which is all that our clients ask. uvicorn would do it too, for 4 MiB
of the controller's memory, and with a main loop that wakes ten times a second to look at a flag:
an idle controller must stay idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import h11

from reconciler.api.asgi.application import Asgi
from reconciler.api.asgi.request import Message
from reconciler.api.asgi.response import Answer
from reconciler.api.server.acceptor import Acceptor
from reconciler.api.server.access import Access
from reconciler.api.server.guests import Guests, Turn

_BLOCK = 2**16
_UNREAD = 2**14
"""Bytes of an answer that wait for a client to read, beside the piece that is being sent."""
_PATIENCE = 30.0
"""Seconds in which a request must have come."""

_LEFT = (OSError, TimeoutError, h11.RemoteProtocolError)
"""The client went away, speaks no HTTP, or does not read."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What one exchange may take."""

    largest: int = 2**20
    """Bytes of a request's body; ours are a few names."""
    unread: float | None = None
    """Seconds for which an answer may wait to be read: a person who reads a stream may pause."""


_GUESTS = _Bounds(largest=2**16, unread=30.0)


class Server:
    """Answers requests for one application."""

    def __init__(self, app: Asgi, access: Access | None = None) -> None:
        self._app = app
        self._access = access or Access()
        self._leave = asyncio.Event()
        self._acceptors: list[Acceptor] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._guests = Guests()

    async def serve(self, *listeners: socket.socket) -> None:
        """Answer until the end of the controller, which cuts off answers under way."""
        try:
            for listener in listeners:
                self.add(listener)
            await self._leave.wait()
        finally:
            for acceptor in self._acceptors:
                acceptor.close()
            for connection in self._connections:
                connection.cancel()

    def add(self, listener: socket.socket) -> None:
        """Answer here, too."""
        self._acceptors.append(Acceptor(asyncio.get_running_loop(), listener, self._admit))

    def leave(self) -> None:
        """End ``serve``."""
        self._leave.set()

    async def left(self) -> None:
        """Until ``leave`` was called."""
        await self._leave.wait()

    def _admit(self, peer: socket.socket) -> bool:
        """Answer a connection or refuse it with the reason; return whether it is a guest's."""
        guest = self._access.guest(peer)
        refusal = self._guests.enter(guest) if guest is not None else ""
        if refusal:
            _refuse(peer, refusal)
        else:
            task = asyncio.get_running_loop().create_task(self._connected(peer, guest))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        return guest is not None

    async def _connected(self, peer: socket.socket, guest: int | None) -> None:
        try:
            try:
                reader, writer = await asyncio.open_unix_connection(sock=peer)
            except OSError:
                peer.close()
                return
            writer.transport.set_write_buffer_limits(high=_UNREAD)
            try:
                await self._exchange(reader, writer, guest)
            except _LEFT:
                writer.transport.abort()
            finally:
                writer.close()
        except asyncio.CancelledError:
            pass  # the controller ends; asyncio would report this task as failed
        finally:
            if guest is not None:
                self._guests.leave(guest)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, guest: int | None
    ) -> None:
        if guest is None:
            await _Exchange(reader, writer).run(self._app, self._access)
        else:
            exchange = _Exchange(reader, writer, _GUESTS)
            await exchange.run(self._app, self._access, lambda: self._guests.turn(guest))


def _refuse(peer: socket.socket, message: str) -> None:
    """Whatever was asked, unread: this many may be a flood."""
    body = json.dumps({"error": message}).encode()
    head = (
        "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with peer, contextlib.suppress(OSError):
        peer.setblocking(False)
        peer.send(head.encode() + body)


class _Exchange:
    """One request and its answer, between h11's events and ASGI's messages."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        bounds: _Bounds | None = None,
    ) -> None:
        self._bounds = bounds or _Bounds()
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._body: bytes | None = b""
        self._turn: Turn | None = None

    async def run(
        self, app: Asgi, access: Access, turn: Callable[[], Awaitable[Turn]] | None = None
    ) -> None:
        """Answer one request; ``turn``: wait for it first, where the peer shares the loop."""
        async with asyncio.timeout(_PATIENCE):
            request, self._body = await self._request()
        self._turn = await turn() if turn is not None else None
        try:
            await self._answer(request, app, access)
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()

    async def _answer(self, request: h11.Request, app: Asgi, access: Access) -> None:
        method = request.method.decode("ascii")
        refusal = access.refusal(self._writer.get_extra_info("socket"), method)
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
            "recon.abort": self._writer.transport.abort,
            "recon.uid": access.uid(self._writer.get_extra_info("socket")),
        }
        answer: Asgi = Answer({"error": refusal}, 403) if refusal else app
        await answer(scope, self._receive, self._send)

    async def _request(self) -> tuple[h11.Request, bytes]:
        request = await self._event()
        if not isinstance(request, h11.Request):
            raise ConnectionResetError("no request")
        body = b""
        while isinstance(data := await self._event(), h11.Data):
            body += data.data
            if len(body) > self._bounds.largest:
                raise ConnectionResetError("the request is too large")
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
        with contextlib.suppress(OSError):
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
        async with asyncio.timeout(self._bounds.unread):
            await self._writer.drain()

    def _write(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)


def listen(path: Path, group: int | None = None) -> socket.socket:
    """The controller's socket, for its owner only from its first moment on; OSError.

    With ``group`` that may connect as well. Bound under another name and renamed, so that a client
    meets the old socket or the new one, never none and never one that does not listen yet. All of
    it happens by a descriptor of the folder, which no other user can write to.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _must_be_private(folder, path.parent)
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


def _must_be_private(folder: int, path: Path) -> None:
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = (
            "others could replace the socket there; the folder must belong to recon, and "
            "no other user may write in it"
        )
        raise PermissionError(errno.EPERM, message, str(path))
