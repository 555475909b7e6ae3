"""``--listen HOST:PORT``: the option as an address, and the sockets there."""

from __future__ import annotations

import errno
import ipaddress
import socket

from reconciler.cli.framework.errors import CliError, usage

_BACKLOG = 64


def address_of(text: str) -> tuple[str, int]:
    """Host and port of the option; a usage error where it is no address."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise usage(f"--listen {text!r} is not valid; write an IPv6 address as [::1]:9464")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise usage(f"--listen {text!r} is not valid; write HOST:PORT, e.g. 127.0.0.1:9464")
    return host, int(port)


def listen_on(host: str, port: int) -> list[socket.socket]:
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


def place_of(listener: socket.socket) -> str:
    """``127.0.0.1:9464``, ``[::1]:9464``."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this host can reach it."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
