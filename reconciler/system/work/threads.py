"""Threads beside the loop, where a host may allow no more of them (RLIMIT_NPROC, pids.max)."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["start"]


def start(
    target: Callable[..., object], arguments: Sequence[Any] = (), *, name: str = ""
) -> threading.Thread:
    """A daemon thread that runs. OSError (EAGAIN) where there can be no more just now: it has the
    same cause as a fork that fails, and is to be tried again as that is."""
    thread = threading.Thread(target=target, args=arguments, name=name or None, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from None
    return thread
