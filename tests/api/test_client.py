"""The client against a real unix socket: what it sends, and what it makes of each answer."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.api import client as client_module
from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ControllerNotRunningError

Handler = Callable[[socket.socket, bytes], None]


class Server:
    """Answers each connection by ``handler``, called with the whole request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[bytes] = []
        self.handler: Handler = lambda connection, request: None
        directory = os.open(path.parent, os.O_PATH)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(f"/proc/self/fd/{directory}/{path.name}")
        os.close(directory)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def answer(self, *blocks: bytes) -> None:
        """Send these blocks to everybody, then hang up."""

        def send(connection: socket.socket, request: bytes) -> None:
            for block in blocks:
                connection.sendall(block)

        self.handler = send

    def json(self, document: object, status: str = "200 OK") -> None:
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.answer(head.encode() + body)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=60)
        self._socket.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = _request(connection)
                self.requests.append(request)
                try:
                    self.handler(connection, request)
                except OSError:
                    continue  # the client left first


def _request(connection: socket.socket) -> bytes:
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(4096)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "recon.sock")
    try:
        yield made
    finally:
        made.close()


def test_answer_with_content_length(server: Server) -> None:
    server.json({"apps": ["ä"]})
    assert Client(server.path).status() == {"apps": ["ä"]}
    assert server.requests[0].startswith(b"GET /v1/status HTTP/1.1\r\nHost: ")


def test_answer_in_chunks_cut_anywhere(server: Server) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b'5\r\n{"a":\r\n3;x=y\r\n 1}\r\n0\r\n\r\n'
    server.answer(*(whole[n : n + 1] for n in range(len(whole))))
    assert Client(server.path).status() == {"a": 1}


def test_answer_that_ends_with_the_connection(server: Server) -> None:
    server.answer(b"HTTP/1.1 200 OK\r\n\r\n", b'{"a"', b": 2}")
    assert Client(server.path).status() == {"a": 2}


def test_requests_carry_their_body_and_encode_names(server: Server) -> None:
    server.json({"problems": ["a.yaml:1:1: x"], "message": "done", "name": "ü b"})
    client = Client(server.path)
    assert client.apply() == ["a.yaml:1:1: x"]
    assert client.act("scale", "ü b", dry_run=True, instances="max")["message"] == "done"
    client.act("confirm-prune")
    client.describe("ü b/c")
    client.down()
    firsts = [request.partition(b"\r\n")[0] for request in server.requests]
    assert firsts == [
        b"POST /v1/apply HTTP/1.1",
        b"POST /v1/apps/%C3%BC%20b/scale HTTP/1.1",
        b"POST /v1/confirm-prune HTTP/1.1",
        b"GET /v1/describe/%C3%BC%20b%2Fc HTTP/1.1",
        b"POST /v1/down HTTP/1.1",
    ]
    assert server.requests[1].endswith(b'\r\n\r\n{"dryRun": true, "instances": "max"}')


def test_events_come_one_by_one_while_the_controller_goes_on(server: Server) -> None:
    seen = threading.Event()

    def send(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        connection.sendall(b'9\r\n{"n": 1}\n\r\n')
        assert seen.wait(60)  # the first is read before the second is written
        connection.sendall(b'a\r\n{"n": 2}\n{\r\n7\r\n"n": 3}\r\n0\r\n\r\n')

    server.handler = send
    events = Client(server.path).events(["web"], limit=7, follow=True)
    assert next(events) == {"n": 1}
    seen.set()
    assert list(events) == [{"n": 2}, {"n": 3}]
    assert b"GET /v1/events?limit=7&app=web&follow=1 " in server.requests[0]


def test_refusal_is_the_controllers_sentence(server: Server) -> None:
    server.json({"error": "no app named wbe"}, "404 Not Found")
    with pytest.raises(ApiError, match="no app named wbe") as raised:
        Client(server.path).describe("wbe")
    assert raised.value.status == 404


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "ended before it answered"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "ended before it answered"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a"', "ended before it answered"),
        (b"SSH-2.0-OpenSSH\r\n", "is not a recon controller"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "is not a recon controller"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "is not a JSON object"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "HTTP status 500"),
    ],
)
def test_broken_answers_are_sentences(server: Server, answer: bytes, sentence: str) -> None:
    server.answer(answer)
    with pytest.raises(ApiError, match=sentence):
        Client(server.path).status()


def test_controller_that_is_stopped_is_not_waited_for_forever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def never(connection: socket.socket, request: bytes) -> None:
        done.wait(60)

    server.handler = never
    monkeypatch.setattr(client_module.Client._ask, "__defaults__", (None, 0.05))
    try:
        with pytest.raises(ApiError, match=r"did not answer within 0\.05 s"):
            Client(server.path).status()
    finally:
        done.set()


def test_no_socket_a_stale_socket_and_no_directory_all_mean_not_running(tmp_path: Path) -> None:
    stale = tmp_path / "stale.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(stale))
    left.close()
    for path in (stale, tmp_path / "none.sock", tmp_path / "no" / "recon.sock"):
        with pytest.raises(ControllerNotRunningError, match="no controller is running on"):
            Client(path).version()


def test_path_longer_than_a_unix_sockets_name(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    server = Server(folder / "recon.sock")
    try:
        server.json({"pid": 1})
        assert Client(server.path).version() == {"pid": 1}
    finally:
        server.close()
    with pytest.raises(ControllerNotRunningError):
        Client(folder / "other" / "recon.sock").version()
