from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon


@pytest.fixture
def recon(tmp_path: Path) -> Iterator[Recon]:
    """A recon with an empty manifests directory; nothing of it outlives the test."""
    whole = Recon(tmp_path)
    try:
        yield whole
    finally:
        whole.close()


@pytest.fixture
def unused_port() -> int:
    """The first of ten ports in a row that nobody listens on."""
    for first in range(20_000 + os.getpid() % 10_000, 60_000, 10):
        if all(_is_free(port) for port in range(first, first + 10)):
            return first
    raise AssertionError("no ten free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
