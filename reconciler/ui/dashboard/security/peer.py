"""The user at the other end of a connection on this host.

A link in a browser's command line can be read by every user (/proc/PID/cmdline), and a cookie of
127.0.0.1 is sent to every port of it, also to another user's. Neither helps that user: the kernel
says to whom the socket at the other end belongs (sock_diag(7)).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from reconciler.observed.probes.sockowner import socket_owner

Address = tuple[str, int]


class Peers:
    """The users that may open the page of this process."""

    def __init__(self, uids: Iterable[int] = (), environ: Mapping[str, str] = os.environ) -> None:
        """``uids`` beside root, this process's own user, and the one who ran it by sudo(8)."""
        sudo = environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
        of_sudo = {int(sudo)} if sudo.isascii() and sudo.isdecimal() else set()
        self._uids = frozenset({0, os.geteuid(), *of_sudo, *uids})

    def refusal(self, client: Address, server: Address) -> str:
        """Why the client may not see the page, a sentence; empty where it may."""
        try:
            uid = socket_owner(client, server)
        except OSError as error:
            return (
                f"the kernel does not say to which user this connection belongs ({error.strerror});"
                " start the page with --password-file FILE"
            )
        if uid in self._uids:
            return ""
        return (
            f"this page is for another user of this host than you (uid {uid});"
            " its owner can start it with --for-user"
        )
