"""Which users may send which requests: the kernel says which user has connected.

Everything is allowed to root and to the user that recon runs as. Members of the group that
``--api-group`` names may look (GET), and nothing else; all others are refused. The credentials are
those of the moment of connect(2) (SO_PEERCRED, SO_PEERGROUPS: unix(7)), so that it makes no
difference what the process does afterwards, or that its pid may be another's by then.
"""

from __future__ import annotations

import ctypes
import errno
import grp
import os
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

_SO_PEERGROUPS = 59  # socket(7); not in Python's socket module
_MOST_GROUPS = 65536
_READS = {"GET", "HEAD"}


class Connection(Protocol):
    """The part of a socket that is used; asyncio passes a wrapped one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...
    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Access:
    """The rule. ``group``: a gid whose members may look."""

    group: int | None = None

    def guest(self, connection: Connection) -> int | None:
        """The uid of a peer that is neither root nor the user that recon runs as."""
        uid, _ = _peer(connection)
        return None if uid in (0, os.geteuid()) else uid

    def uid(self, connection: Connection) -> int:
        """As whom the peer has connected."""
        return _peer(connection)[0]

    def refusal(self, connection: Connection, method: str) -> str:
        """Why the peer may not do that, a sentence; empty where it may."""
        if self.guest(connection) is None:
            return ""
        _, gid = _peer(connection)
        if self.group is None or self.group not in {gid, *_groups(connection)}:
            return "this controller is another user's; ask as root or as that user"
        if method in _READS:
            return ""
        return f"members of the group {_name(self.group)} may only look; ask as root for more"


def _peer(connection: Connection) -> tuple[int, int]:
    """Effective uid and gid of the client."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, gid = struct.unpack("iII", data)
    return uid, gid


def group_id(name: str) -> int:
    """The gid of a group given by name or number. ValueError, a sentence, where there is none."""
    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"there is no group {name} on this host") from None


def _groups(connection: Connection) -> tuple[int, ...]:
    """The peer's supplementary groups when it connected."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 1024)
    except OSError as error:
        if error.errno != errno.ERANGE:
            return ()
        data = _many_groups(connection.fileno())
    return struct.unpack(f"{len(data) // 4}I", data)


def _many_groups(fd: int) -> bytes:
    """More than 256, for which Python's own getsockopt has no room."""
    buffer = ctypes.create_string_buffer(4 * _MOST_GROUPS)
    size = ctypes.c_uint(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    level, option = socket.SOL_SOCKET, _SO_PEERGROUPS
    if libc.getsockopt(fd, level, option, buffer, ctypes.byref(size)) != 0:
        return b""
    return buffer.raw[: size.value]


def _name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
