"""Ports that are a test's own: free when they are given, and given to nobody else meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ports() -> Iterator[int]:
    """The first of ten in a row that nobody listens on, of any address of this host.

    Below 32,768, from where on the kernel gives ports to outgoing connections.
    """
    for first in range(20_000, 32_760, 10):
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0recon-test-ports-{first}")  # ends with this process at the latest
            except OSError:
                continue
            if all(_is_free(port) for port in range(first, first + 10)):
                yield first
                return
    raise AssertionError("no ten free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
