"""Real receivers: a web server that is as rude as it is told, and a sink for mail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller


@dataclass
class Web:
    """A web server. ``answers`` are used one after the other, the last one again and again."""

    port: int
    answers: list[str] = field(default_factory=lambda: ["204"])
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Paths of GET requests: where a redirect would lead."""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-token"

    def next_answer(self) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        web = self.server.web
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        web.headers.append({name.lower(): value for name, value in self.headers.items()})
        with contextlib.suppress(ValueError):
            web.requests.append(json.loads(body))
        with contextlib.suppress(OSError):
            self._answer(web, web.next_answer())

    def do_GET(self) -> None:
        self.server.web.elsewhere.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, web: Web, answer: str) -> None:
        match answer.split():
            case ["silent"]:
                web.released.wait(60)
            case ["drip"]:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(600):
                    if web.released.wait(0.1):
                        return
                    self.wfile.write(b"X")
            case ["huge"]:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while not web.released.is_set():
                    self.wfile.write(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
            case ["no-http"]:
                self.wfile.write(b"\xff\xfe nonsense\r\n\r\n")
            case [code, *rest]:
                self.send_response(int(code))
                for one in rest:
                    name, _, value = one.partition("=")
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Web]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.web = Web(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.web
    server.web.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class Mails:
    """What a sink for mail has got."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.port = 0

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        import email
        from email import policy

        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.received.append(([*envelope.rcpt_tos], mail))
        return "250 OK"


@pytest.fixture
def mails() -> Iterator[Mails]:
    sink = Mails()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sink.port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    yield sink
    controller.stop()


def message(target: str = "ops", **more: Any) -> dict[str, Any]:
    """A message as the controller hands it over."""
    return {
        "formatVersion": 1,
        "id": "0badcafe0badcafe0bad",
        "target": target,
        "createdAt": time.time(),
        "host": "host1",
        "kind": "problem",
        "subject": "[recon] web keeps crashing on host1",
        "text": "web keeps crashing on host1\n\n  | boom",
        "items": [],
        **more,
    }


def run(coroutine: Any) -> Any:
    """The result of a coroutine, on a loop of its own."""
    return asyncio.run(coroutine)
