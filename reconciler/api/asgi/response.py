"""Answers: one that is whole, and one that comes in pieces for as long as its reader stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from reconciler.api.asgi.request import Receive, Scope, Send

_NO_BODY = "HEAD"
"""The method whose answer has the headers alone (RFC 9110, 9.3.2)."""


class Response:
    """A whole answer."""

    def __init__(
        self,
        body: bytes | str = b"",
        status: int = 200,
        media_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = {**_typed(media_type), **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {**self.headers, "content-length": str(len(self.body))}
        await send(_start(self.status, headers))
        body = b"" if scope["method"] == _NO_BODY else self.body
        await send({"type": "http.response.body", "body": body})


class Answer(Response):
    """JSON, in one go: for short answers."""

    def __init__(
        self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(encode(content), status, "application/json", headers)


def encode(content: Any) -> bytes:
    """As JSON in ASCII: names of files may be no UTF-8, which Python holds as lone surrogates."""
    return json.dumps(content, separators=(",", ":")).encode()


class Stream(Response):
    """An answer in pieces, of a length that is not known before."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        media_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(b"", 200, media_type, headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there is no more, or until the reader has gone: what it reads of is closed."""
        await send(_start(self.status, self.headers))
        if scope["method"] != _NO_BODY:
            await _while_read(asyncio.ensure_future(self._send(send)), receive)
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _while_read(sending: asyncio.Future[None], receive: Receive) -> None:
    """Until all is sent. ConnectionResetError where the reader has gone before."""
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_sent = sending.done()
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    if not is_sent:
        raise ConnectionResetError("the reader has gone")
    sending.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _typed(media_type: str) -> dict[str, str]:
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return {"content-type": media_type} if media_type else {}


def _start(status: int, headers: Mapping[str, str]) -> dict[str, object]:
    encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}
