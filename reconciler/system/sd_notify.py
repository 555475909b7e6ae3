"""sd_notify(3): messages to the service manager that started recon; without one, none.

The protocol is one datagram of lines ``NAME=value``, with descriptors where they are meant. A
manager that does not listen is passed over: what it is told helps, but nothing needs it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence


def is_heard() -> bool:
    """Whether a service manager waits for messages."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def send(message: str, fds: Sequence[int] = ()) -> None:
    """Send ``message``, e.g. ``READY=1\\nSTATUS=3 apps``, and descriptors with it."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with manager, contextlib.suppress(OSError):
        manager.connect("\0" + path[1:] if path.startswith("@") else path)
        socket.send_fds(manager, [message.encode()], list(fds))


def watchdog_period() -> float | None:
    """Seconds within which WATCHDOG=1 is wanted, again and again; None where it is not.

    sd_watchdog_enabled(3): meant is the process that WATCHDOG_PID names.
    """
    text = os.environ.get("WATCHDOG_USEC", "")
    if not text.isdecimal() or int(text) == 0:
        return None
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(text) / 1_000_000
