"""sd_notify: what programs say of themselves, by datagrams to one socket of the controller.

sd_notify(3). The kernel tells the sender's pid (SCM_CREDENTIALS), so nobody can speak for another
program. The socket's name is abstract and made from the store's: programs of any user can send
to it, and the next controller has the same one. What is sent while there is none is lost.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping

from reconciler.model.observed import notify_address

_CREDENTIALS = struct.Struct("3i")
_MOST = 64 * 1024
_IN_A_ROW = 100
"""Datagrams read before the rest of the loop has its turn."""

OnMessage = Callable[[int, Mapping[str, str]], object]


class NotifySocket:
    """Calls ``on_message(pid, fields)`` for each datagram. OSError where the name is taken."""

    def __init__(self, store: str, loop: asyncio.AbstractEventLoop, on_message: OnMessage) -> None:
        self._loop = loop
        self._on_message = on_message
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("\0" + notify_address(store)[1:])
        loop.add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_IN_A_ROW):
            try:
                text, ancillary, _, _ = self._socket.recvmsg(
                    _MOST, socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(64 * 4)
                )
            except BlockingIOError:
                return
            pid = _sender(ancillary)
            if pid:
                self._on_message(pid, parse(text))


def parse(text: bytes) -> dict[str, str]:
    """``READY=1\\nSTATUS=…`` as a map; what is not NAME=value is passed over."""
    lines = text.decode(errors="replace").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    pid = 0
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            _close_all(data)
    return pid


def _close_all(data: bytes) -> None:
    """Descriptors that somebody sent along: nothing here wants them."""
    for (fd,) in struct.iter_unpack("i", data[: len(data) // 4 * 4]):
        socket.close(fd)
