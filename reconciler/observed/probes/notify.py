"""sd_notify: what programs say of themselves, by datagrams to the controller.

sd_notify(3). The kernel tells the sender's pid and uid (SCM_CREDENTIALS), so no process can speak
for another program. Where the socket lies: ``notifyplace``. The abstract name of earlier releases
is served as well, since programs that they started send to it; one that has taken that name first
keeps those programs from being heard, and no controller from starting.

Any user may send. What one user sends beyond ``_A_SECOND`` is thrown away unread, and the loop has
its turn after each ``_IN_A_ROW``. The queue in the kernel has room for net.unix.max_dgram_qlen
datagrams (10 as Linux has it, 512 as systemd sets it): while the controller stands still (SIGSTOP)
a program that says more than that waits in its sd_notify; while there is none, no program waits,
and what is said is lost.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping

from reconciler.system import notifyplace

_CREDENTIALS = struct.Struct("3i")
_MOST = 4096
"""Bytes of a datagram, as systemd reads them."""
_IN_A_ROW = 100
"""Datagrams read before the rest of the loop has its turn."""
_A_SECOND = 500
"""Datagrams of one user that are looked at."""

OnMessage = Callable[[int, Mapping[str, str]], object]


class NotifySocket:
    """Calls ``on_message(pid, fields)`` for each datagram."""

    def __init__(self, store: str, loop: asyncio.AbstractEventLoop, on_message: OnMessage) -> None:
        self._loop = loop
        self._on_message = on_message
        self._rates = _Rates()
        self._sockets: list[socket.socket] = []
        self.troubles: list[str] = []
        """Names that cannot be listened at, each a sentence."""
        self._path = notifyplace.path(store)
        if self._path is not None:
            self._listen(self._path, _at_path)
        self._listen(notifyplace.old_address(store), _at_name)

    def close(self) -> None:
        for one in self._sockets:
            self._loop.remove_reader(one.fileno())
            one.close()
        if self._path is not None:
            _remove(self._path)

    def _listen(self, address: str, bind: Callable[[socket.socket, str], None]) -> None:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            bind(made, address)
        except OSError as error:
            made.close()
            self.troubles.append(
                f"recon cannot receive notifications to {address}: {error.strerror or error}"
            )
            return
        self._sockets.append(made)
        self._loop.add_reader(made.fileno(), self._read, made)

    def _read(self, one: socket.socket) -> None:
        for _ in range(_IN_A_ROW):
            try:
                text, ancillary, _, _ = one.recvmsg(
                    _MOST, socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(64 * 4)
                )
            except BlockingIOError:
                return
            pid, uid = _sender(ancillary)
            if pid and self._rates.allows(uid):
                self._on_message(pid, parse(text))


class _Rates:
    """How many datagrams of each user were looked at within this second."""

    def __init__(self) -> None:
        self._second = 0
        self._seen: dict[int, int] = {}

    def allows(self, uid: int) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._seen = second, {}
        self._seen[uid] = self._seen.get(uid, 0) + 1
        return self._seen[uid] <= _A_SECOND


def _at_name(made: socket.socket, address: str) -> None:
    made.bind("\0" + address[1:])


def _at_path(made: socket.socket, address: str) -> None:
    """Bound under another name and renamed: a program meets the old socket or the new one."""
    notifyplace.make_folder()
    fresh = f"{address}.new"
    _remove(fresh)
    made.bind(fresh)
    os.chmod(fresh, 0o666)  # in root's folder: no other user can have replaced it
    os.rename(fresh, address)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def parse(text: bytes) -> dict[str, str]:
    """``READY=1\\nSTATUS=…`` as a map; what is not NAME=value is passed over."""
    lines = text.decode(errors="replace").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int]:
    """(pid, uid) of who sent it; pid 0 where the kernel cannot tell."""
    pid, uid = 0, -1
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid, uid, _ = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            _close_all(data)
    return pid, uid


def _close_all(data: bytes) -> None:
    """Close descriptors that came with a message: recon uses none."""
    for (fd,) in struct.iter_unpack("i", data[: len(data) // 4 * 4]):
        socket.close(fd)
