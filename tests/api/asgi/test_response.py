"""A stream ends with what it reads from, however its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from reconciler.api.asgi.response import Response, Stream

SCOPE = {"type": "http", "method": "GET"}


class Endless:
    """Pieces without end."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.is_closed = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"tick"
                self.has_begun.set()
                await asyncio.sleep(0)
        finally:
            self.is_closed = True


async def _ignored(message: Any) -> None:
    pass


def test_a_stream_is_closed_when_its_reader_leaves() -> None:
    async def run() -> bool:
        source = Endless()

        async def receive() -> Any:
            await source.has_begun.wait()
            return {"type": "http.disconnect"}

        with pytest.raises(ConnectionResetError):
            await Stream(source.pieces())(SCOPE, receive, _ignored)
        return source.is_closed

    assert asyncio.run(run())


def test_a_stream_whose_reader_leaves_while_it_is_sent_to_is_closed_too() -> None:
    async def run() -> bool:
        source = Endless()
        is_sending = asyncio.Event()

        async def receive() -> Any:
            await is_sending.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                is_sending.set()
                await asyncio.Event().wait()

        with pytest.raises(ConnectionResetError):
            await Stream(source.pieces())(SCOPE, receive, send)
        return source.is_closed

    assert asyncio.run(run())


def test_a_stream_is_closed_when_its_request_is_cancelled() -> None:
    async def run() -> bool:
        source = Endless()

        async def receive() -> Any:
            await asyncio.Event().wait()

        task = asyncio.ensure_future(Stream(source.pieces())(SCOPE, receive, _ignored))
        await source.has_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return source.is_closed

    assert asyncio.run(run())


def test_what_cannot_be_sent_is_the_error_of_the_connection() -> None:
    async def run() -> None:
        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                raise TimeoutError

        await Stream(Endless().pieces())(SCOPE, receive, send)

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_a_text_says_how_it_is_encoded() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read for a whole answer")

    asyncio.run(Response("ä", media_type="text/plain")(SCOPE, receive, send))
    assert dict(sent[0]["headers"])[b"content-type"] == b"text/plain; charset=utf-8"
    assert dict(sent[0]["headers"])[b"content-length"] == b"2"
    assert sent[1]["body"] == "ä".encode()
