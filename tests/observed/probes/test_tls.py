"""TLS without asyncio's: in a process that is as the controller, and against bad servers."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from reconciler.observed.probes.tls import Tls, TlsError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LARGE = 300_000

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl in PATH")


@pytest.fixture
def server_side(tmp_path: Path) -> ssl.SSLContext:
    """A server's context, whose key is made here."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    command = [*make.split(), "-subj", "/CN=x", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def talk(serve: Serve, context: ssl.SSLContext | None) -> bytes:
    """All that a server answers to one request."""

    async def run() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            address = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(*address[:2])
            tls = Tls(reader, writer, address[0])
            try:
                await tls.greet()
                await tls.write(b"hello\n")
                return b"".join([piece async for piece in _pieces(tls)])
            finally:
                writer.close()

    return asyncio.run(asyncio.wait_for(run(), 60))


async def _pieces(tls: Tls) -> AsyncIterator[bytes]:
    while piece := await tls.read(1000):
        yield piece


def test_an_answer_of_many_records_comes_whole(server_side: ssl.SSLContext) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        writer.write(request + b"x" * LARGE)
        await writer.drain()
        writer.close()

    assert talk(serve, server_side) == b"hello\n" + b"x" * LARGE


def test_an_end_without_a_farewell_is_an_end(server_side: ssl.SSLContext) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()

    try:
        assert talk(serve, server_side) == b""
    except ConnectionError:
        pass  # which of the two, the kernel decides


def test_plain_text_is_named_as_such() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    with pytest.raises(TlsError, match="no TLS"):
        talk(serve, None)


def test_a_server_that_hangs_up_first_has_closed_the_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write_eof()
        await reader.read()
        writer.close()

    with pytest.raises(EOFError):
        talk(serve, None)


def test_a_controller_probes_https_and_imports_tls_only_then(
    server_side: ssl.SSLContext,
) -> None:
    code = """
import sys
import reconciler.api.__main__
import asyncio
from reconciler.model.spec.probe import Probe
from reconciler.observed.probes.checks import check
print("ssl" in sys.modules)
get = {"port": int(sys.argv[1]), "scheme": "HTTPS"}
print(asyncio.run(check(Probe.model_validate({"httpGet": get}), 0)).ok)
"""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side)
        async with server:
            port = str(server.sockets[0].getsockname()[1])
            client = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", code, port), stdout=asyncio.subprocess.PIPE
            )
            output, _ = await client.communicate()
            return output

    assert asyncio.run(run()) == b"False\nTrue\n"
