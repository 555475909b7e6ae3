"""The names under which the page answers, and from where a form may come.

Host: a page of an attacker may have its own name lead to 127.0.0.1 (DNS rebinding); the browser
then sends that name. Origin: a page of an attacker may send a form here; the browser says from
where it comes (RFC 6454), and it has to be this very page.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Hosts:
    """The names that are allowed."""

    def __init__(self, names: Iterable[str] = (), *, addresses: bool = False) -> None:
        """``names`` beside those of the loopback; ``addresses``: any address, which no attacker
        can have lead elsewhere, is allowed, too."""
        self._names = _LOOPBACK | {name.lower().rstrip(".") for name in names}
        self._addresses = addresses

    def allows(self, host: str) -> bool:
        """Whether this value of the header Host is one of this page. The port may be another: that
        of a tunnel (`ssh -L`)."""
        name = _name(host)
        return name in self._names or (self._addresses and _is_address(name))

    @staticmethod
    def is_same_origin(host: str, origin: str | None, site: str | None) -> bool:
        """Whether a request that changes something comes from this page. ``site``: the header
        Sec-Fetch-Site, for a browser that sends no Origin."""
        if origin is None:
            return site == "same-origin"
        try:
            found = urlsplit(origin)
        except ValueError:  # no address at all
            return False
        return found.scheme in ("http", "https") and found.netloc.lower() == host.lower()


def _name(host: str) -> str:
    """``localhost`` of ``localhost:7333``; empty where it is no host."""
    if not host or host != host.strip() or any(c in host for c in "/@\\?# "):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # ValueError where it is no number
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
