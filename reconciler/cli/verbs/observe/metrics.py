"""`recon metrics`: the controller in numbers, once or for Prometheus to fetch."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import Annotated

import typer

from reconciler.api.client import Client
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import Manifests, StateDir, formats, one_of, where

_FORMATS = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
}
_PUBLIC = (
    "anyone who reaches {place} can read the names of your apps and how they are; "
    "127.0.0.1 is for this host only"
)
_BACKLOG = 64


def metrics(
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", metavar="HOST:PORT", help="Serve http://HOST:PORT/metrics until stopped."
        ),
    ] = None,
    output: Annotated[str, formats(*_FORMATS)] = "text",
) -> int:
    """Print metrics for Prometheus, or serve them.

    Without --listen they are printed once. With it, http://HOST:PORT/metrics has them
    in the format that the client accepts. It goes on while no controller runs, and recon_up is 0
    then. Port 0 takes any that is free.
    """
    one_of("--output", output, tuple(_FORMATS))
    place = where(manifests, state_dir)
    client = controller.client_of(place)
    if listen is not None:
        _serve(*_address(listen), client)
    else:
        _print(client, _FORMATS[output])
    return OK


def _print(client: Client, accept: str) -> None:
    from reconciler.api.metrics.text import text_of  # noqa: PLC0415  prometheus_client

    text, _ = text_of(client.metrics(), accept)
    sys.stdout.write(text.decode())


def _address(text: str) -> tuple[str, int]:
    """Host and port; a usage error where it is no address."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise usage(f"--listen {text!r} is not valid; write an IPv6 address as [::1]:9464")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise usage(f"--listen {text!r} is not valid; write HOST:PORT, e.g. 127.0.0.1:9464")
    return host, int(port)


def _serve(host: str, port: int, client: Client) -> None:
    import asyncio  # noqa: PLC0415  who prints once needs none of it

    from reconciler.api.metrics.exporter import serve  # noqa: PLC0415

    listeners = _listen(host, port)
    for place in map(_place, listeners):
        print(f"metrics are at http://{place}/metrics", flush=True)
    public = [_place(one) for one in listeners if not _is_loopback(one)]
    if public:
        print(f"recon: {_PUBLIC.format(place=public[0])}", file=sys.stderr, flush=True)
    asyncio.run(serve(listeners, client))


def _listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host; of a name there may be two."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a valid name"
        raise CliError(f"--listen {host}: {reason}") from None
    listeners: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            listeners.append(_listener(family, (*address[:1], port, *address[2:])))
        except OSError as error:
            if listeners and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # a host without IPv6 has `localhost` in it nevertheless
            for one in listeners:
                one.close()
            raise CliError(f"--listen {host}:{port}: {error.strerror}") from None
        port = listeners[0].getsockname()[1]  # where any was wanted, all have the same
    return listeners


def _listener(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
