"""Out of memory: the controller is the last to be killed, and no program inherits that.

A host that runs out of memory should lose the program that takes it, which is then restarted, not
the one that restarts it. So the controller lowers its own ``oom_score_adj`` (proc(5)), where it
may: that takes CAP_SYS_RESOURCE, which root has. Not ``OOMScoreAdjust=`` in a unit: every program
would inherit that.

A score passes through fork, and a child could only be corrected after it was born, which a
controller that is killed in between never does. So for the time of a fork the controller takes on
the score that programs are to have. Whatever happens, none is born with the wrong one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

_OWN = "/proc/self/oom_score_adj"
_PROTECTED = -900
"""Nearly never; -1000 would be never, also where it is the controller that takes the memory."""

_of_thread = threading.local()
"""Holds the file open: a thread that starts programs has a table of descriptors of its own."""
_of_programs: int | None = None
"""What programs start with, once ``prepare`` has succeeded."""


def prepare() -> bool:
    """Call once, first thing in the controller; False where the score may not be lowered.

    Programs start with the score that the controller had before, but never with one below 0.
    """
    global _of_programs  # noqa: PLW0603  one for the process, as the score is the process's
    try:
        with open(_OWN, encoding="ascii") as file:
            before = int(file.read())
        _set(_PROTECTED)
    except OSError:
        return False
    _of_programs = max(0, before)
    return True


def of_programs() -> int:
    """The score that a program starts with."""
    if _of_programs is not None:
        return _of_programs
    with open(_OWN, encoding="ascii") as file:
        return int(file.read())


@contextlib.contextmanager
def given() -> Iterator[None]:
    """While a child is forked: the score it is to be born with."""
    if _of_programs is None:
        yield
        return
    # What cannot be set, which once could be, is not a reason to lose a child that was just born.
    with contextlib.suppress(OSError):
        _set(_of_programs)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _set(_PROTECTED)


def _set(score: int) -> None:
    file: int | None = getattr(_of_thread, "file", None)
    if file is None:
        file = _of_thread.file = os.open(_OWN, os.O_WRONLY | os.O_CLOEXEC)
    os.write(file, b"%d" % score)
