"""The page on TCP, over real sockets: it survives its controller and its clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from reconciler.api.client import Client
from reconciler.api.errors import ControllerNotRunningError
from reconciler.api.metrics import exporter
from reconciler.api.metrics.exporter import Exporter, Source
from tests.api.metrics.pages import APP, CONTROLLER, OPENMETRICS, key, lines, parsed


class Controller:
    """As much of a client as is asked; it may be gone."""

    def __init__(self) -> None:
        self.questions = 0
        self.gone = False

    def metrics(self, timeout: float) -> list[bytes]:
        self.questions += 1
        if self.gone:
            raise ControllerNotRunningError("no controller is running")
        return lines(CONTROLLER, APP)


def served(
    test: Callable[[int, Controller, list[str]], Coroutine[Any, Any, None]],
) -> None:
    """Run a test against an exporter: its port, the controller behind it, what it reported."""

    async def run() -> None:
        controller, reports = Controller(), list[str]()
        client: Any = controller
        app = Exporter(Source(client, reports.append))
        server = await asyncio.start_server(app.connected, "127.0.0.1", 0)
        async with server:
            await test(server.sockets[0].getsockname()[1], controller, reports)

    asyncio.run(run())


async def raw(port: int, request: bytes) -> bytes:
    """All that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def get(port: int, path: str = "/metrics", accept: str = "*/*", method: str = "GET") -> str:
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n"
    return (await raw(port, request.encode())).decode()


def body(answer: str) -> str:
    return answer.partition("\r\n\r\n")[2]


def test_both_formats_are_served_as_they_are_accepted() -> None:
    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        classic, modern = await get(port), await get(port, accept=OPENMETRICS)
        assert "content-type: text/plain" in classic.lower()
        assert "content-type: application/openmetrics-text" in modern.lower()
        assert parsed(body(classic)) == parsed(body(modern), openmetrics=True)
        assert parsed(body(classic))[key("recon_up")] == 1

    served(test)


def test_a_controller_that_is_gone_is_told_and_one_that_is_back_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporter, "_FRESH", 0.0)

    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        controller.gone = True
        for _ in range(2):
            assert parsed(body(await get(port))) == {key("recon_up"): 0}
        controller.gone = False
        assert parsed(body(await get(port)))[key("recon_up")] == 1
        assert len(reports) == 2, "each change once"
        assert "recon_up is 0" in reports[0] and "answers again" in reports[1]

    served(test)


def test_many_who_ask_at_once_cost_the_controller_one_question() -> None:
    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        answers = await asyncio.gather(*(get(port) for _ in range(20)))
        assert all("recon_up 1.0" in answer for answer in answers)
        assert controller.questions == 1

    served(test)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/metrics", 405),
        ("DELETE", "/metrics", 405),
        ("GET", "/v1/status", 404),
        ("GET", "/metrics/../v1/down", 404),
        ("GET", "http://other/metrics", 404),
        ("GET", "/metrics?x=1", 200),
        ("HEAD", "/metrics", 200),
        ("GET", "/", 200),
    ],
)
def test_only_metrics_are_there_and_only_to_be_read(method: str, path: str, status: int) -> None:
    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        answer = await get(port, path, method=method)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert ("recon_app" in answer) is (status == 200 and path != "/" and method == "GET")

    served(test)


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01" + b"\x00" * 100,
        b"hello\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000,
        b"\n" * 100_000,
    ],
    ids=range(6),
)
def test_what_is_no_http_is_cut_off_and_the_next_is_served(request_: bytes) -> None:
    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        assert not await raw(port, request_)
        assert "recon_up 1.0" in await get(port)

    served(test)


def test_clients_that_say_nothing_take_neither_all_room_nor_all_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporter, "_MOST", 3)
    monkeypatch.setattr(exporter, "_PATIENCE", 0.2)

    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert not await get(port), "there is no room for more"
        for reader, _ in silent:  # each is cut off after its time
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        assert "recon_up 1.0" in await get(port)
        for _, writer in silent:
            writer.close()

    served(test)


@pytest.mark.parametrize("line", [b"{}", b"[]", b"7", b"not JSON", b'{"app": "web"}'])
def test_a_controller_of_another_release_is_told_of(
    monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(Controller, "metrics", lambda self, timeout: [line])

    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        answer = await get(port)
        assert answer.startswith("HTTP/1.1 500 ") and "another release" in answer

    served(test)


def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "_PATIENCE", 0.3)
    many = [{**APP, "app": f"app-{number}"} for number in range(3000)]
    monkeypatch.setattr(Controller, "metrics", lambda self, timeout: lines(CONTROLLER, *many[:300]))

    async def test(port: int, controller: Controller, reports: list[str]) -> None:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, ("127.0.0.1", port))
        await loop.sock_sendall(deaf, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(30):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)
        deaf.close()

    served(test)


def test_the_client_of_a_socket_that_is_not_there_means_down(tmp_path: Path) -> None:
    async def ask() -> None:
        reports = list[str]()
        source = Source(Client(tmp_path / "recon.sock"), reports.append)
        assert await source.lines() is None
        assert "no controller is running" in reports[0]

    asyncio.run(ask())
