"""Who listens on a TCP port: for messages that name the culprit."""

from __future__ import annotations

from typing import NamedTuple


class Listener(NamedTuple):
    """A listening socket, and its process where it may be seen."""

    address: str
    port: int
    pid: int | None
    """None: it belongs to another user, and we are not root."""
    name: str
    """Of the process; empty where that is not known."""


def listeners(port: int) -> tuple[Listener, ...]:
    """All that listen on this TCP port, IPv4 and IPv6; ordered by pid. Takes some 10 ms."""
    import psutil  # noqa: PLC0415  # 6 MiB that a controller pays only when it is asked

    found: set[Listener] = set()
    try:
        for one in psutil.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port:
                found.add(Listener(one.laddr.ip, port, one.pid, _name(one.pid)))
    except (psutil.Error, OSError):
        return ()
    return tuple(sorted(found, key=lambda one: (one.pid or 0, one.address)))


def _name(pid: int | None) -> str:
    import psutil  # noqa: PLC0415  # as above

    try:
        return psutil.Process(pid).name() if pid else ""
    except psutil.Error:
        return ""
