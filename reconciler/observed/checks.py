"""One check of one instance: can a connection be opened, does a GET succeed.

As the kubelet does it: 200 to 399 is success, redirects are followed on the same host and port
only (at most ten; one that leads elsewhere is a success in itself), and everything counts
against one timeout. What fails comes with a sentence that names the address.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import urllib.parse
from typing import NamedTuple

from reconciler.model.manifest import HttpGet, PerInstance, Probe, ProbePort

_REDIRECTS = 10
_LINES = 200
"""No answer has more header lines."""
_BODY = 10 * 1024
"""Bytes of a body read before hanging up (the kubelet's number)."""
_BODY_SECONDS = 0.25
"""And no longer than this: the verdict is in, and a stream of events never ends."""


class Result(NamedTuple):
    """What a check found, and a sentence on it."""

    ok: bool
    message: str


class _Answer(NamedTuple):
    status: int
    location: str
    length: int | None


class _BadAnswerError(ValueError):
    """What answered does not speak HTTP: a sentence."""


def port_of(port: ProbePort, instance: int) -> int:
    return port.per_instance + instance if isinstance(port, PerInstance) else port


async def check(probe: Probe, instance: int) -> Result:
    """Check instance number ``instance`` once; takes ``timeoutSeconds`` at most. Never raises."""
    target = probe.http_get or probe.tcp_socket
    assert target is not None  # the model admits no probe without one
    port = port_of(target.port, instance)
    address = _address(target.host, port)
    if port > 65535:
        return Result(False, f"port {port} of instance {instance} is beyond 65535")
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            if isinstance(target, HttpGet):
                return await _http(target, port, address)
            return await _tcp(target.host, port, address)
    except TimeoutError:
        return Result(False, f"no answer from {address} within {probe.timeout_seconds:g} s")
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        return Result(False, _sentence(error, address))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _sentence(error: Exception, address: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused on {address}"
    if isinstance(error, ConnectionError | EOFError):
        return f"{address} closed the connection before it answered"
    if isinstance(error, socket.gaierror):
        return f"the name in {address} cannot be resolved: {error.strerror}"
    if isinstance(error, OSError):
        text = os.strerror(error.errno) if error.errno else str(error)
        return f"cannot connect to {address}: {text}"
    return f"no HTTP answer from {address}: {error}"


async def _connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port)
    names = (writer.get_extra_info("sockname"), writer.get_extra_info("peername"))
    if names[0] == names[1]:
        # Linux lets a socket connect to itself where nobody listens on a port of the range
        # for outgoing connections; that is no program that answers.
        writer.transport.abort()
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")
    return reader, writer


async def _tcp(host: str, port: int, address: str) -> Result:
    _, writer = await _connect(host, port)
    writer.close()
    return Result(True, f"connected to {address}")


async def _http(target: HttpGet, port: int, address: str) -> Result:
    path = target.path if target.path.startswith("/") else f"/{target.path}"
    for _ in range(_REDIRECTS + 1):
        answer = await _get(target.host, port, address, path)
        if not 200 <= answer.status < 400:
            return Result(False, f"HTTP {answer.status} from {path}")
        following = _same_place(answer, address, path)
        if following is None:
            return Result(True, f"HTTP {answer.status} from {path}")
        path = following
    return Result(False, f"more than {_REDIRECTS} redirects, the last to {path}")


def _same_place(answer: _Answer, address: str, path: str) -> str | None:
    """The path that a redirect leads to on the same host and port; None where there is none."""
    if answer.status not in (301, 302, 303, 307, 308) or not answer.location:
        return None
    url = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://{address}{path}", answer.location))
    same = urllib.parse.urlsplit(f"http://{address}")
    if url.scheme != "http" or (url.hostname, url.port or 80) != (same.hostname, same.port):
        return None
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


async def _get(host: str, port: int, address: str, path: str) -> _Answer:
    reader, writer = await _connect(host, port)
    try:
        # Quoted, so that no character of a path can end the request line.
        quoted = urllib.parse.quote(path, safe="/?&=%:@+,;!$'()*~-._[]")
        writer.write(
            f"GET {quoted} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: recon-probe\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await _read_head(reader)
        await _read_body(reader, answer)
        return answer
    finally:
        writer.close()


async def _read_head(reader: asyncio.StreamReader) -> _Answer:
    """The status line and headers; those of 1xx answers are passed over (RFC 9110, 15.2)."""
    status, location, length = 0, "", None
    for _ in range(_LINES):
        line = (await reader.readuntil(b"\n")).rstrip(b"\r\n")
        if not status:
            status = _status(line)
        elif not line and status < 200:
            status = 0
        elif not line:
            return _Answer(status, location, length)
        else:
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "location":
                location = value.strip()
            elif name.lower() == "content-length" and value.strip().isdecimal():
                length = int(value)
    raise _BadAnswerError(f"more than {_LINES} header lines")


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit() or int(rest[:3]) < 100:
        raise _BadAnswerError(f"it begins with {line[:40]!r}")
    return int(rest[:3])


async def _read_body(reader: asyncio.StreamReader, answer: _Answer) -> None:
    """Take what is being sent, within bounds: hanging up on it would show as an error there."""
    wanted = _BODY if answer.length is None else min(answer.length, _BODY)
    with contextlib.suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            await reader.readexactly(wanted)
