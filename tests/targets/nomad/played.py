"""A server that plays answers of Nomad, over TCP or a unix socket.

What it plays in tests of one endpoint is written by hand in the form that Nomad's API documents;
what was recorded from a real server is in ``recorded/``, and its README says from which.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

RECORDED = Path(__file__).with_name("recorded")


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    document: Any


class Reply(NamedTuple):
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    parts: Iterator[bytes] | None = None
    """Sent one by one, in chunks, in place of ``body``."""


Answer = Any
"""A Reply, a document, or a function of a Request that returns one of them."""


class Played:
    """Answers by ``METHOD /path``, and the requests that came. What is not there is a 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.peers: set[object] = set()
        """The connections on which requests came."""
        self.over = threading.Event()
        """Set when the test ends: what hangs until then goes on."""

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        found = self.answers.get(f"{request.method} {request.path}", Reply(b"", 404))
        if callable(found):
            found = found(request)
        return found if isinstance(found, Reply) else Reply(json.dumps(found).encode())

    def sent(self, method: str, path: str) -> list[Any]:
        """The documents of the requests to one place."""
        return [one.document for one in self.requests if (one.method, one.path) == (method, path)]


@contextmanager
def served(played: Played, socket: Path | None = None) -> Iterator[str]:
    """The address at which ``played`` answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            document = json.loads(body) if body else None
            request = Request(self.command, parts.path, query, dict(self.headers), document)
            played.peers.add(self)
            reply = played.reply(request)
            self.send_response(reply.status)
            kind = {"Content-Type": "application/json"}
            for name, value in {**kind, **reply.headers}.items():
                self.send_header(name, value)
            if reply.parts is None:
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in reply.parts:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                pass  # the client left: some tests are about that

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: Any) -> None:
            pass

    class UnixServer(ThreadingHTTPServer):
        address_family = 1  # AF_UNIX

        def server_bind(self) -> None:
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = "unix", 0

    make: Callable[[], ThreadingHTTPServer]
    if socket is None:
        make = lambda: ThreadingHTTPServer(("127.0.0.1", 0), Handler)  # noqa: E731
    else:
        make = lambda: UnixServer(str(socket), Handler)  # type: ignore[arg-type]  # noqa: E731
    with make() as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"unix://{socket}" if socket else f"http://127.0.0.1:{server.server_port}"
        finally:
            played.over.set()
            server.shutdown()
            thread.join()
