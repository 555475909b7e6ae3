"""Parts of other packages that a small process does without.

OpenSSL is 7 MiB of a process's memory. asyncio and hashlib take it where it is there, and do
without where it is not: asyncio has no TLS then, and hashlib calculates hashes itself.

pydantic asks the metadata of every installed package for plugins. To read these it takes
importlib.metadata, and with it the packages for e-mail and for zip files: 1.4 MiB.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_HASHES = ("_sha2", "_sha256")
"""Python's own SHA-256, from 3.12 on and before. Some distributions have that of OpenSSL only."""

_PLUGINS = "pydantic.plugin._loader"
"""Imported by pydantic when it builds the first model."""


def without_openssl() -> None:
    """Import asyncio and hashlib without OpenSSL. To be called before anything imports them."""
    _import("asyncio", without="ssl")
    if any(find_spec(name) is not None for name in _HASHES):
        _import("hashlib", without="_hashlib")
        _import("hmac", without="_hashlib")


def without_plugins() -> None:
    """Have pydantic take no plugins. To be called before anything imports pydantic."""
    loader = ModuleType(_PLUGINS, "No plugins.")
    loader.__dict__["get_plugins"] = tuple
    sys.modules.setdefault(_PLUGINS, loader)


def _import(name: str, without: str) -> None:
    before = sys.modules.get(without)
    # How Python is told that there is no such module (its reference, 5.3.1).
    sys.modules[without] = None  # type: ignore[assignment]
    try:
        import_module(name)
    finally:
        del sys.modules[without]
        if before is not None:
            sys.modules[without] = before
