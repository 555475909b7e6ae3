"""One check of one instance: can a connection be opened, does a GET succeed.

An instance with a private socket (``address``, a path) is asked there instead of at its port.

As the kubelet does it: 200 to 399 is success, redirects are followed on the same host and port
only (at most ten; one that leads elsewhere is a success in itself), and everything counts
against one timeout. What fails comes with a sentence that names the address.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import urllib.parse
from typing import TYPE_CHECKING, NamedTuple

from reconciler.model.spec.probe import HttpGet, Probe, port_of

if TYPE_CHECKING:
    import h11

_REDIRECTS = 10


class Result(NamedTuple):
    """What a check found, and a sentence on it."""

    ok: bool
    message: str


class _Place(NamedTuple):
    """Where to connect, and what to call it."""

    host: str
    port: int
    address: str
    private: str | None


async def check(probe: Probe, instance: int, private: str | None = None) -> Result:
    """Check instance number ``instance`` once; takes ``timeoutSeconds`` at most. Never raises.

    For ``httpGet`` and ``tcpSocket``. ``private`` is the path of the instance's own socket.
    """
    target = probe.kind.target
    assert target is not None  # the others are not asked here
    port = port_of(target.port, instance)
    address = _address(target.host, port)
    if port > 65535:
        return Result(False, f"port {port} of instance {instance} is beyond 65535")
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            place = _Place(target.host, port, address, private)
            return await (_http(target, place) if isinstance(target, HttpGet) else _tcp(place))
    except TimeoutError:
        return Result(False, f"no answer from {address} within {probe.timeout_seconds:g} s")
    except (OSError, EOFError, ValueError) as error:
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


async def _connect(place: _Place) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if place.private is not None:
        return await asyncio.open_unix_connection(place.private)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    names = (writer.get_extra_info("sockname"), writer.get_extra_info("peername"))
    if names[0] == names[1]:
        # Linux lets a socket connect to itself where no process listens on a port of the range
        # for outgoing connections; that is not a program that answers.
        writer.transport.abort()
        raise ConnectionRefusedError(errno.ECONNREFUSED, "connected to itself")
    return reader, writer


async def _tcp(place: _Place) -> Result:
    _, writer = await _connect(place)
    writer.close()
    return Result(True, f"connected to {place.address}")


async def _http(target: HttpGet, place: _Place) -> Result:
    path = target.path if target.path.startswith("/") else f"/{target.path}"
    for _ in range(_REDIRECTS + 1):
        answer = await _get(target, place, path)
        if answer.status_code >= 400:
            return Result(False, f"HTTP {answer.status_code} from {path}")
        following = _same_place(answer, f"{target.scheme.lower()}://{place.address}", path)
        if following is None:
            return Result(True, f"HTTP {answer.status_code} from {path}")
        path = following
    return Result(False, f"more than {_REDIRECTS} redirects, the last to {path}")


def _same_place(answer: h11.Response, root: str, path: str) -> str | None:
    """The path that a redirect leads to on the same host and port; None where there is none."""
    if answer.status_code not in (301, 302, 303, 307, 308):
        return None
    location = dict(answer.headers).get(b"location", b"").decode("latin-1")
    if not location:
        return None
    url = urllib.parse.urlsplit(urllib.parse.urljoin(root + path, location))
    same = urllib.parse.urlsplit(root)
    port = url.port or (443 if url.scheme == "https" else 80)
    if (url.scheme, url.hostname, port) != (same.scheme, same.hostname, same.port):
        return None
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


async def _get(target: HttpGet, place: _Place, path: str) -> h11.Response:
    from reconciler.observed.probes.http_answer import read_answer  # noqa: PLC0415  h11: 15 ms

    # Quoted, so that no character of a path can end the request line.
    quoted = urllib.parse.quote(path, safe="/?&=%:@+,;!$'()*~-._[]")
    request = f"GET {quoted} HTTP/1.1\r\n{_headers(target, place)}\r\n".encode()
    reader, writer = await _connect(place)
    try:
        if target.scheme == "HTTPS":
            return await _secured(reader, writer, request, place.host)
        writer.write(request)
        return await read_answer(reader)
    finally:
        writer.close()


async def _secured(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, name: str
) -> h11.Response:
    """The answer to a request, by TLS."""
    from reconciler.observed.probes.http_answer import read_answer  # noqa: PLC0415  h11: 15 ms
    from reconciler.observed.probes.tls import Tls  # noqa: PLC0415  ssl: 4 MiB

    tls = Tls(reader, writer, name)
    await tls.greet()
    await tls.write(request)
    return await read_answer(tls)


def _headers(target: HttpGet, place: _Place) -> str:
    """Those of the manifest win, each once or as often as it stands there."""
    given = {header.name.lower() for header in target.http_headers}
    own = {"Host": place.address, "User-Agent": "recon-probe", "Accept": "*/*"}
    lines = [f"{name}: {value}" for name, value in own.items() if name.lower() not in given]
    lines += [f"{header.name}: {header.value}" for header in target.http_headers]
    lines += [] if "connection" in given else ["Connection: close"]
    return "".join(f"{line}\r\n" for line in lines)
