"""Bytes that a client sends to the socket, and that a program answers to a probe.

The first byte says which. A client gets one answer that h11 reads, or is cut off."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import h11

from reconciler.api.asgi.application import Application, Route
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.server.access import Access
from reconciler.api.server.server import _LEFT, _Exchange
from reconciler.observed.probes.http_answer import BadAnswerError, read_answer

SEEDS = (
    b"\0GET /v1/status?a=%20b HTTP/1.1\r\nHost: recon\r\n\r\n",
    b"\0POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    b"\0POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    b"\0HEAD http://a/%ff%00 HTTP/1.0\r\n\r\n",
    b"\1HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"\1HTTP/1.0 500 x\r\n\r\n",
)


class _Writer:
    """As much of a StreamWriter as an exchange uses."""

    def __init__(self) -> None:
        self.written = b""
        self.transport = self
        self._socket = socket.socketpair()

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def get_extra_info(self, name: str) -> Any:
        return self._socket[0]

    def shut(self) -> None:
        for end in self._socket:
            end.close()


async def _echo(request: Request) -> Response:
    body = await request.body()
    return Answer({"name": request.path_params["name"], "size": len(body)})


_APP = Application([Route("/{name}", _echo, methods=["GET", "POST"])])


def check(data: bytes) -> None:
    """One exchange."""
    asyncio.run(_probe(data[1:]) if data[:1] == b"\1" else _serve(data[1:]))


async def _serve(data: bytes) -> None:
    reader, writer = asyncio.StreamReader(), _Writer()
    reader.feed_data(data)
    reader.feed_eof()
    try:
        double: Any = writer
        await _Exchange(reader, double).run(_APP, Access())
    except _LEFT:
        return
    finally:
        writer.shut()
    client = h11.Connection(h11.CLIENT)
    method = data.lstrip(b"\r\n").split(b" ", 1)[0]
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.receive_data(writer.written)
    client.receive_data(b"")
    head = client.next_event()
    assert isinstance(head, h11.Response), head
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    if head.status_code == 200 and method == b"GET":
        assert json.loads(body)["name"]


async def _probe(data: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    try:
        answer = await read_answer(reader)
    except (BadAnswerError, EOFError) as error:
        assert len(str(error)) < 300
        return
    assert 200 <= answer.status_code <= 999
