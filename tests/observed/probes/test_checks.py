"""One check: what answers, what does not, and a sentence that names the address."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.spec.probe import Probe
from reconciler.observed.probes.checks import Result, check
from tests.ports import ports

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def http(port: int, path: str = "/health", timeout: float = 60, **more: Any) -> Probe:
    get = {"path": path, "port": port, **more}
    return Probe.model_validate({"httpGet": get, "timeoutSeconds": timeout})


def tcp(port: Any, timeout: float = 60) -> Probe:
    return Probe.model_validate({"tcpSocket": {"port": port}, "timeoutSeconds": timeout})


Answer = Callable[[bytes], bytes]


def ask(answer: Answer, make: Callable[[int], Probe], instance: int = 0) -> Result:
    """Check a server that answers each request by ``answer(request)`` and then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            writer.write(answer(request))
            await writer.drain()
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    async def both() -> Result:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            return await check(make(server.sockets[0].getsockname()[1]), instance)

    return asyncio.run(both())


@contextmanager
def bound(listen: int | None) -> Iterator[int]:
    """A port that is bound, and listened on (by nobody who answers) unless ``listen`` is None."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if listen is not None:
            sock.listen(listen)
        yield sock.getsockname()[1]


def run(probe: Probe, instance: int = 0) -> Result:
    return asyncio.run(check(probe, instance))


@pytest.mark.parametrize("status", [200, 204, 301, 399])
def test_200_to_399_is_success(status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    assert ask(lambda _: head, http) == (True, f"HTTP {status} from /health")


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_anything_else_is_failure_and_the_sentence_says_what_from_where(status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    assert ask(lambda _: head, http) == (False, f"HTTP {status} from /health")


def test_the_request_is_a_plain_get_that_names_recon() -> None:
    seen: list[bytes] = []
    ask(lambda request: seen.append(request) or OK, http)  # type: ignore[func-returns-value]
    line, *headers = seen[0].decode().split("\r\n")
    assert line == "GET /health HTTP/1.1"
    assert {"User-Agent: recon-probe", "Connection: close"} <= set(headers)
    assert any(header.startswith("Host: 127.0.0.1:") for header in headers)


def test_a_path_cannot_smuggle_a_second_request() -> None:
    seen: list[bytes] = []
    path = "/ä b\r\nX-Evil: 1"
    ask(
        lambda request: seen.append(request) or OK,  # type: ignore[func-returns-value]
        lambda port: http(port, path),
    )
    assert b"\r\nX-Evil" not in seen[0]
    assert seen[0].startswith(b"GET /%C3%A4%20b%0D%0AX-Evil: 1 HTTP/1.1\r\n") or seen[0].startswith(
        b"GET /%C3%A4%20b%0D%0AX-Evil:%201 HTTP/1.1\r\n"
    )


def test_a_redirect_on_the_same_host_is_followed_and_its_answer_counts() -> None:
    def answer(request: bytes) -> bytes:
        if request.startswith(b"GET /health "):
            return b"HTTP/1.1 302 Found\r\nLocation: /real?x=1\r\n\r\n"
        assert request.startswith(b"GET /real?x=1 ")
        return b"HTTP/1.1 503 X\r\n\r\n"

    assert ask(answer, http) == (False, "HTTP 503 from /real?x=1")


def test_a_redirect_elsewhere_is_a_success_and_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1:9/\r\n\r\n"
    assert ask(lambda _: head, http).ok


def test_redirects_in_a_circle_end() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /health\r\n\r\n"
    result = ask(lambda _: head, http)
    assert not result.ok
    assert "more than 10 redirects" in result.message


def test_interim_answers_are_passed_over() -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 500 X\r\n\r\n"
    assert ask(lambda _: head, http) == (False, "HTTP 500 from /health")


def test_a_body_without_end_does_not_delay_the_verdict_beyond_the_timeout() -> None:
    body = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000
    assert ask(lambda _: body, http).ok


def test_a_refused_connection_is_named() -> None:
    with bound(listen=None) as port:
        for probe in (http(port), tcp(port)):
            assert run(probe) == (False, f"connection refused on 127.0.0.1:{port}")


def test_a_port_that_would_connect_to_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client bound to the very port it connects to: Linux connects it to itself."""
    plain = asyncio.open_connection

    async def from_it(host: str, port: int) -> Any:
        client = socket.socket()
        # The port may have been a server's a moment ago: its connections last for a minute.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((host, port))
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, (host, port))
        return await plain(sock=client)

    monkeypatch.setattr(asyncio, "open_connection", from_it)
    with ports() as free:
        assert run(tcp(free)) == (False, f"connection refused on 127.0.0.1:{free}")


def test_silence_is_a_failure_after_the_timeout() -> None:
    with bound(listen=5) as port:
        expected = f"no answer from 127.0.0.1:{port} within 0.2 s"
        assert run(http(port, timeout=0.2)) == (False, expected)
        assert run(tcp(port)) == (True, f"connected to 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "closed the connection before it answered"),
        (b"HTTP/1.1 200 OK\r\nHalf: a he", "closed the connection before it answered"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP answer from"),
        (b"HTTP/1.1 abc\r\n\r\n", "no HTTP answer from"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000, "longer than 32 KiB"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000 + b"\r\n\r\n", "no HTTP answer from"),
    ],
)
def test_what_is_no_http_is_a_failure_with_a_sentence(answer: bytes, sentence: str) -> None:
    result = ask(lambda _: answer, http)
    assert not result.ok
    assert sentence in result.message


def test_the_port_of_an_instance_is_its_own() -> None:
    def own(port: int) -> Probe:
        return tcp({"perInstance": port - 3})

    assert ask(lambda _: OK, own, instance=3).ok


def test_a_port_beyond_65535_is_a_failure_that_says_so() -> None:
    result = run(tcp({"perInstance": 65535}), instance=1)
    assert result == (False, "port 65536 of instance 1 is beyond 65535")


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_no_answer_whatever_raises(answer: bytes) -> None:
    result = ask(lambda _: answer, lambda port: http(port, timeout=60))
    assert isinstance(result, Result)


def test_no_check_leaves_a_descriptor_open() -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = opened()
    for answer in (OK, b"", b"SSH\r\n"):
        ask(lambda _, answer=answer: answer, http)  # type: ignore[misc]  # default in a lambda
    assert opened() == before


def test_headers_of_the_manifest_are_sent_and_win() -> None:
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        seen.append(request)
        return OK

    headers = [{"name": "Host", "value": "crm.example"}, {"name": "X-Token", "value": "plain"}]
    assert ask(answer, lambda port: http(port, httpHeaders=headers)).ok
    lines = seen[0].decode().splitlines()
    assert "Host: crm.example" in lines and "X-Token: plain" in lines
    assert sum(line.lower().startswith("host:") for line in lines) == 1


@pytest.mark.parametrize("bad", [{"name": "a b", "value": "x"}, {"name": "a", "value": "x\r\ny"}])
def test_a_header_that_would_break_the_request_is_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        http(1, httpHeaders=[bad])


def test_a_private_socket_is_asked_instead_of_the_port(tmp_path: Path) -> None:
    path = str(tmp_path / "own.sock")
    hosts: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        hosts.append(next(line for line in request.decode().splitlines() if "Host:" in line))
        writer.write(OK)
        writer.close()

    async def both() -> Result:
        server = await asyncio.start_unix_server(serve, path)
        async with server:
            return await check(http(3000), 0, path)

    assert asyncio.run(both()).ok and hosts == ["Host: 127.0.0.1:3000"]


def test_a_private_socket_nobody_listens_on_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tmp_path / "own.sock"))
        for probe in (http(3000), tcp(3000)):
            result = asyncio.run(check(probe, 0, str(tmp_path / "own.sock")))
            assert result == (False, "connection refused on 127.0.0.1:3000")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl in PATH")
def test_https_is_asked_and_its_certificate_is_not_verified(tmp_path: Path) -> None:
    """The key is made here, for this test."""
    pair = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command = [*make.split(), "-subj", "/CN=other.example"]
    command += ["-keyout", str(pair[0]), "-out", str(pair[1])]
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair[1], pair[0])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def both() -> tuple[Result, Result]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await check(http(port, scheme="HTTPS"), 0), await check(http(port), 0)

    secure, plain = asyncio.run(both())
    assert secure == (True, "HTTP 200 from /health")
    assert not plain.ok
