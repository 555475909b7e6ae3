"""Addresses of targets hold passwords and tokens: nothing of them is shown, but a host's name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from reconciler.model.words.mask import MASK

_LEAST = 4
"""Characters: a shorter part is a word like any other."""
_PARTS = re.compile(r"[/:@?&=+#,;]+")
_HOST = re.compile(r"(?:[a-z0-9-]{1,20}\.){1,4}[a-z]{2,12}|localhost")


def masked(text: str, address: str) -> str:
    """``text`` with a mask in the place of each part of ``address`` that may be a secret."""
    for part in sorted({*_secrets(address)}, key=len, reverse=True):
        text = text.replace(part, MASK)
    return text


def shown(address: str) -> str:
    """What may be shown of an address: scheme, and the host of a web server."""
    scheme = address.partition("://")[0].lower()
    host = _host(address) if scheme in ("http", "https") else ""
    return f"{scheme}://{host}/{MASK}" if host else f"{scheme}://{MASK}"


def _secrets(address: str) -> Iterator[str]:
    yield address
    host = _host(address)
    for part in _PARTS.split(address.partition("://")[2]):
        for form in (part, unquote(part)):
            if len(form) >= _LEAST and form.lower() != host:
                yield form


def _host(address: str) -> str:
    """The host, where it is plainly one: with some services a token stands in its place."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return ""
    if _HOST.fullmatch(host):
        return host
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
