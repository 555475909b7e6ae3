"""Small Node servers that are told to go, and a client that speaks to them by hand."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.converge.inherited import Program, Shared

Start = Callable[..., Program]

HTTP = """
const server = require('http').createServer((request, response) => {
  const answer = () => response.end(String(process.pid));
  const waits = {'/slow': 700, '/slower': 1700}[request.url];
  if (waits) setTimeout(answer, waits); else answer();
});
"""
UP = "() => console.log('up ' + JSON.stringify(server.address()))"
SERVE = f"{HTTP} server.listen(Number(process.env.PORT), {UP});"
TLS = "{key: require('fs').readFileSync('k.pem'), cert: require('fs').readFileSync('c.pem')}"


def get(where: Shared | int | str, url: str = "/") -> bytes:
    """The body of one answer."""
    with connection(where) as sock:
        return ask(sock, url, "close").split(b"\r\n\r\n", 1)[1]


def connection(where: Shared | int | str) -> socket.socket:
    if isinstance(where, Shared):
        where = where.path or where.port
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), timeout=60)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(60)
    sock.connect(where)
    return sock


def send(sock: socket.socket, url: str = "/", kept: str = "keep-alive") -> None:
    sock.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: {kept}\r\n\r\n".encode())


def ask(sock: socket.socket, url: str = "/", kept: str = "keep-alive") -> bytes:
    """One request and its whole answer, headers and all."""
    send(sock, url, kept)
    return answer(sock)


def answer(sock: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        part = sock.recv(65536)
        assert part, f"closed after {got!r}"
        got += part
    head, body = got.split(b"\r\n\r\n", 1)
    if b"content-length: " not in head.lower():
        assert b"transfer-encoding: chunked" in head.lower()
        while not body.endswith(b"0\r\n\r\n"):
            body += sock.recv(65536)
        chunks = body.split(b"\r\n")
        return head + b"\r\n\r\n" + chunks[1]
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=x", "-keyout", "k.pem", "-out", "c.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def client(source: str, port: int) -> subprocess.Popen[str]:
    """A Node program that is a client; it ends with 0 where all went well."""
    return subprocess.Popen(
        ["node", "-e", source, str(port)], stdout=subprocess.PIPE, text=True, bufsize=1
    )


def http2_client(port: int, url: str, *, tls: bool = False) -> subprocess.Popen[str]:
    """A client of HTTP/2 that has asked for ``url``; then it prints ``body …``, and ends."""
    asking = client(
        f"""const session = require('http2').connect(
          '{"https" if tls else "http"}://127.0.0.1:' + process.argv[1],
          {{rejectUnauthorized: false}});
        const asked = session.request({{':path': '{url}'}});
        session.once('remoteSettings', () => setTimeout(() => console.log('asked'), 100));
        let body = '';
        asked.on('data', (data) => body += data);
        asked.on('close', () => console.log('body ' + body));
        asked.end();""",
        port,
    )
    assert asking.stdout is not None
    assert asking.stdout.readline() == "asked\n"
    return asking


def is_answered(asking: subprocess.Popen[str], program: Program) -> bool:
    """Whether the client got the whole answer of this program, and nothing was wrong."""
    assert asking.stdout is not None
    return asking.stdout.readline() == f"body {program.process.pid}\n" and asking.wait(60) == 0
