"""Stores of which no holder outlives its test."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.logs.write import holder_process


@contextmanager
def a_store() -> Iterator[str]:
    """The name of a store that no other test has."""
    name = f"test-{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        for pidfd in holder_process.find(name):
            end(pidfd)


def end(pidfd: int) -> None:
    """End and reap a child."""
    holder_process.end(pidfd)
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    os.close(pidfd)


def holders(store: str) -> int:
    """How many there are."""
    found = [*holder_process.find(store)]
    for pidfd in found:
        os.close(pidfd)
    return len(found)
