"""The fd store of systemd: sockets that survive the controller, kept by the service manager.

sd_notify(3), ``FDSTORE=1``: a service with ``FileDescriptorStoreMax=`` sends descriptors, and gets
them back at its next start by the protocol of socket activation. Elsewhere nothing happens here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket

from reconciler.model.words.address import Address
from reconciler.system import sd_notify

_FIRST = 3


def take() -> dict[Address, socket.socket]:
    """The listening sockets that the service manager kept for us; once, at the start."""
    count = os.environ.pop("LISTEN_FDS", "")
    is_own = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    os.environ.pop("LISTEN_FDNAMES", None)
    found: dict[Address, socket.socket] = {}
    for fd in range(_FIRST, _FIRST + int(count)) if is_own and count.isdigit() else ():
        with contextlib.suppress(OSError):
            stored = socket.socket(fileno=fd)
            os.set_inheritable(fd, False)
            if stored.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found[address_of(stored)] = stored
    return found


def keep(address: Address, fd: int) -> None:
    """Have the service manager hold a socket."""
    sd_notify.send(f"FDSTORE=1\nFDNAME={_name(address)}", (fd,))


def drop(address: Address) -> None:
    """It need no longer be held."""
    sd_notify.send(f"FDSTOREREMOVE=1\nFDNAME={_name(address)}")


def address_of(listening: socket.socket) -> Address:
    """Where a socket listens."""
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return Address(path=os.fsdecode(name))
    return Address(name[0], name[1])


def _name(address: Address) -> str:
    """A name may not hold a colon."""
    return "recon-" + hashlib.sha256(str(address).encode()).hexdigest()[:16]
