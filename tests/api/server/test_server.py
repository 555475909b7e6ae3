"""The server answers what clients ask, and survives those that do not."""

from __future__ import annotations

import asyncio
import gc
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.api.asgi.application import Application, Route
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response, Stream
from reconciler.api.server.server import Server, listen


async def echo(request: Request) -> Response:
    return Answer(
        {"path": request.path_params["name"], "query": {"x": request.query_params.get("x")}}
        | {"body": (await request.body()).decode()}
    )


def serving(path: Path, body: Callable[[list[str]], Awaitable[None]]) -> None:
    """Run ``body`` beside a server on ``path``; it hears of streams that ended."""

    async def run() -> None:
        log: list[str] = []

        async def endless(request: Request) -> Response:
            async def lines() -> AsyncGenerator[bytes, None]:
                try:
                    while True:
                        yield b"tick\n"
                        await asyncio.sleep(0.01)
                finally:
                    log.append("stream ended")

            return Stream(lines())

        routes = [Route("/echo/{name}", echo, methods=["GET", "POST"]), Route("/endless", endless)]
        server = Server(Application(routes))
        task = asyncio.create_task(server.serve(listen(path)))
        try:
            await asyncio.wait_for(body(log), 60)
        finally:
            server.leave()
            await asyncio.wait_for(task, 60)

    asyncio.run(run())


async def ask(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_request_and_body_reach_the_application(tmp_path: Path) -> None:
    async def body(log: list[str]) -> None:
        request = b"POST /echo/a%20b?x=1 HTTP/1.1\r\nHost: recon\r\nContent-Length: 2\r\n\r\nhi"
        answer = await ask(tmp_path / "s", request)
        head, _, text = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and b"close" in head
        assert text == b'{"path":"a b","query":{"x":"1"},"body":"hi"}'

    serving(tmp_path / "s", body)


def test_garbage_and_half_a_request_harm_nobody(tmp_path: Path) -> None:
    async def body(log: list[str]) -> None:
        await ask(tmp_path / "s", b"\x16\x03\x01 this is TLS, or nothing\r\n\r\n")
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b"GET /echo")
        writer.close()
        answer = await ask(tmp_path / "s", b"GET /echo/x HTTP/1.1\r\nHost: recon\r\n\r\n")
        assert b"200" in answer

    serving(tmp_path / "s", body)


def test_stream_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    async def body(log: list[str]) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b"GET /endless HTTP/1.1\r\nHost: recon\r\n\r\n")
        await reader.readuntil(b"tick\n")
        writer.close()
        while not log:
            await asyncio.sleep(0.005)

    serving(tmp_path / "s", body)


def test_stream_does_not_keep_the_server_from_leaving(tmp_path: Path) -> None:
    async def body(log: list[str]) -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b"GET /endless HTTP/1.1\r\nHost: recon\r\n\r\n")
        await reader.readuntil(b"tick\n")

    serving(tmp_path / "s", body)  # whose own deadline would pass


def test_socket_is_its_owners_alone_replaces_the_old_one_and_may_lie_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    path = deep / "recon.sock"
    first, second = listen(path), listen(path)
    try:
        assert len(os.fsencode(path)) > 107
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(deep) == ["recon.sock"]
    finally:
        first.close()
        second.close()


@pytest.fixture(autouse=True)
def _short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients here use plain paths, which are limited: go where they are short."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("target", [b"/echo/a", b"/endless", b"/nowhere"])
def test_a_head_request_has_an_answer_without_a_body(tmp_path: Path, target: bytes) -> None:
    """What is not caught in a connection's task is a fault, with a traceback in recon's log."""
    faults: list[object] = []

    async def body(log: list[str]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context))
        answer = await ask(tmp_path / "s", b"HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n" % target)
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 ") and not rest

    serving(tmp_path / "s", body)
    gc.collect()
    assert not faults
