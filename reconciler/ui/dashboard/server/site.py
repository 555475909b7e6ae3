"""What every page of one process says about itself, and its files."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reconciler import __version__
from reconciler.system.clock import local_zone

STATIC = Path(__file__).parent.parent / "static"
PAGES = (("/", "Apps"), ("/jobs", "Jobs"), ("/events", "Events"), ("/host", "Host"))
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Site:
    """For the templates."""

    host: str
    zone: str
    release: str
    version: str
    """Of the files: part of their address, so that a browser may keep them."""
    pages: tuple[tuple[str, str], ...] = PAGES


def this_site() -> Site:
    """The site of this host."""
    content = b"".join(files()[name] for name in sorted(files()))
    version = hashlib.sha256(content).hexdigest()[:12]
    return Site(socket.gethostname(), local_zone(), __version__, version)


@cache
def files() -> dict[str, bytes]:
    """The static files by name, read once: no path from a request ever reaches the disk."""
    return {file.name: file.read_bytes() for file in STATIC.iterdir() if file.suffix in TYPES}
