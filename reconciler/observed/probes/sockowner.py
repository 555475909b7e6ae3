"""To which user a TCP socket of this host belongs, asked of the kernel (sock_diag(7))."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST = 0x1  # NLM_F_REQUEST
_ERROR = 2
_ALL_STATES = 0xFFF
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBxI")
_ID = struct.Struct("!HH16s16sI8s")
"""inet_diag_sockid: ports and addresses, the interface, and a cookie that is not known."""
_ANY_COOKIE = b"\xff" * 8
_UID, _LEAST = 64, 72
"""Within inet_diag_msg."""
_SECONDS = 1.0


def socket_owner(local: tuple[str, int], remote: tuple[str, int]) -> int:
    """The uid of the socket with these ends. OSError where there is none, or no answer."""
    here, there = _raw(local[0]), _raw(remote[0])
    family = socket.AF_INET if len(here) == 4 else socket.AF_INET6
    sought = _ID.pack(
        local[1], remote[1], here.ljust(16, b"\0"), there.ljust(16, b"\0"), 0, _ANY_COOKIE
    )
    body = _QUERY.pack(family, socket.IPPROTO_TCP, 0, _ALL_STATES) + sought
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG
    ) as link:
        link.settimeout(_SECONDS)
        link.send(_HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 1, 0) + body)
        answer = link.recv(1 << 16)
    if len(answer) < _HEADER.size:
        raise OSError(errno.EPROTO, "sock_diag: no answer")
    kind = _HEADER.unpack_from(answer)[1]
    found = answer[_HEADER.size :]
    if kind == _ERROR:
        number = -struct.unpack_from("=i", found)[0]
        raise OSError(number, f"sock_diag: {errno.errorcode.get(number, number)}")
    if kind != _BY_FAMILY or len(found) < _LEAST:
        raise OSError(errno.EPROTO, "sock_diag: an answer of another form")
    (uid,) = struct.unpack_from("=I", found, _UID)
    return int(uid)


def _raw(address: str) -> bytes:
    """Four or sixteen bytes; ValueError where it is no address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if found.version == 6 and found.ipv4_mapped is not None:
        return found.ipv4_mapped.packed
    return found.packed
