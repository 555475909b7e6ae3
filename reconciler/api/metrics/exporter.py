"""A page for Prometheus: HTTP on TCP, in a process of its own, a client of the controller.

It goes on where the controller is gone, and says so (``recon_up 0``). What it costs is bounded:
``_MOST`` connections at a time, ``_PATIENCE`` for each from its first byte to its last, one
question to the controller at a time and none within ``_FRESH`` of the last. Whatever is sent to it,
it only reads.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable

import h11

from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.api.metrics.text import text_of

_MOST = 32
_PATIENCE = 20.0
"""Seconds; Prometheus gives up after 10 by default."""
_WAIT = 8.0
"""Seconds that the controller has for its answer."""
_FRESH = 1.0
_BLOCK = 2**14
_HOME = b"recon's metrics are at /metrics\n"
_OTHER = b"the controller is of another release than this `recon metrics`; start it again\n"
_PLAIN = "text/plain; charset=utf-8"

Answer = tuple[int, bytes, str]


class Source:
    """The controller's lines, asked for once where many want them."""

    def __init__(self, client: Client, report: Callable[[str], object]) -> None:
        """``report`` is told when the controller stops answering, and when it answers again."""
        self._client = client
        self._report = report
        self._asking = asyncio.Lock()
        self._lines: list[bytes] | None = None
        self._at = float("-inf")
        self._answered = True

    async def lines(self) -> list[bytes] | None:
        """Those of now, or of a moment ago; None where no controller answers."""
        async with self._asking:
            if time.monotonic() - self._at > _FRESH:
                self._lines = await asyncio.to_thread(self._ask)
                self._at = time.monotonic()
            return self._lines

    def _ask(self) -> list[bytes] | None:
        try:
            lines = self._client.metrics(_WAIT)
        except ClientError as error:
            if self._answered:
                self._report(f"{error}; recon_up is 0 until a controller answers")
            self._answered = False
            return None
        if not self._answered:
            self._report("a controller answers again")
        self._answered = True
        return lines


class Exporter:
    """Answers ``GET /metrics``."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one answer."""
        if self._open >= _MOST:
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._exchange(reader, writer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            writer.transport.abort()  # it went away, speaks no HTTP, or does not read
        except asyncio.CancelledError:
            writer.transport.abort()  # we leave; asyncio would report the task as failed
        finally:
            self._open -= 1

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER)
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await reader.read(_BLOCK))
        if not isinstance(event, h11.Request):
            writer.transport.abort()
            return
        status, body, content_type = await self._answer(event)
        headers = [
            *(("Content-Type", content_type), ("Content-Length", str(len(body)))),
            *(("Connection", "close"), ("X-Content-Type-Options", "nosniff")),
        ]
        if status == 405:
            headers.append(("Allow", "GET, HEAD"))
        data = http.send(h11.Response(status_code=status, headers=headers)) or b""
        if event.method != b"HEAD":
            data += http.send(h11.Data(data=body)) or b""
        writer.write(data)

    async def _answer(self, request: h11.Request) -> Answer:
        if request.method not in (b"GET", b"HEAD"):
            return 405, b"only GET and HEAD are answered here\n", _PLAIN
        path = request.target.partition(b"?")[0]
        if path == b"/":
            return 200, _HOME, _PLAIN
        if path != b"/metrics":
            return 404, _HOME, _PLAIN
        accepts = (value.decode("latin-1") for name, value in request.headers if name == b"accept")
        lines = await self._source.lines()
        try:
            return 200, *await asyncio.to_thread(text_of, lines, ",".join(accepts))
        except (KeyError, TypeError, ValueError):
            return 500, _OTHER, _PLAIN


async def serve(listeners: list[socket.socket], client: Client) -> None:
    """Answer on these sockets until SIGTERM."""
    loop, leave = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, leave.set)
    exporter = Exporter(Source(client, lambda message: print(f"recon: {message}", file=sys.stderr)))
    servers = [await asyncio.start_server(exporter.connected, sock=one) for one in listeners]
    try:
        await leave.wait()
    finally:
        for server in servers:
            server.close()
