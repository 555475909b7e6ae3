"""As PID 1 of a container: no signal that ends it is lost before it can be handled.

The kernel drops a signal to PID 1 that has no handler there. One that is blocked waits instead,
also over an exec. So recon's first lines block it, and it is noted as soon as a handler can be set.
Only a signal during the start of Python itself is still dropped.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT)
_noted: list[int] = []


def is_first() -> bool:
    """Whether this process is PID 1."""
    return os.getpid() == 1


def hold() -> None:
    """Have signals that end PID 1 wait. Nothing for any other process."""
    if is_first():
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def note() -> None:
    """Note those that come from now on, and those that wait once they are unblocked."""
    if is_first():
        for number in _ENDING:
            signal.signal(number, _note)


def is_noted() -> bool:
    """Whether one was noted."""
    return bool(_noted)


def _note(number: int, _frame: FrameType | None) -> None:
    _noted.append(number)
