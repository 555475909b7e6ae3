"""The socket of a ``[fcgi-program:x]``, which supervisord binds and hands over as standard input.

Source: supervisor 4.3, ``datatypes.SocketConfig``: a TCP socket or a unix one, whose mode is 0700
and whose owner is the program's user, where nothing else is said.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.convert.manifests.draft import locate

FCGI = "fcgi-program"
SOCKET_OPTIONS = ("socket", "socket_backlog", "socket_owner", "socket_mode")
_TCP = re.compile(r"tcp://(?P<host>[^\s/]*):(?P<port>\d{1,5})")
_UNIX = re.compile(r"unix://(?P<path>.+)", re.DOTALL)


def socket_of(options: Mapping[str, str], directory: str) -> dict[str, Any] | None:
    """As recon declares it; None where it is neither kind."""
    text = options["socket"].strip()
    if (found := _TCP.fullmatch(text)) is not None:
        host = found["host"].strip("[]")
        address = {"localhost": "127.0.0.1", "": "0.0.0.0", "*": "0.0.0.0"}.get(host, host)
        return {"name": "fcgi", "port": int(found["port"]), "host": address}
    if (found := _UNIX.fullmatch(text)) is None:
        return None
    owner, _, group = options["socket_owner"].partition(":")
    given = {"mode": options["socket_mode"] or "700", "owner": owner, "group": group}
    path = locate(directory, found["path"])
    return {"name": "fcgi", "path": path, **{key: text for key, text in given.items() if text}}


def on_input(command: Sequence[str]) -> list[str]:
    """The command with descriptor 3 as its standard input."""
    return ["/bin/sh", "-c", f"exec {shlex.join(command)} <&3 3<&-"]
