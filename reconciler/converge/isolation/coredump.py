"""No core dump of the controller: its memory holds every app's secrets. Programs keep their limit.

By RLIMIT_CORE, and not by prctl(PR_SET_DUMPABLE): that makes ``/proc/self`` root's, which a
controller of an ordinary user reads all day, and anyone who may ptrace it reads the secrets' files
as well. The limit is 1 and not 0: core(5) ignores 0 where core_pattern is a pipe (systemd-coredump,
apport), and the kernel takes 1 to mean none at all there; a file needs at least a page.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator

_NONE = 1
_of_programs: tuple[int, int] | None = None
"""The limits that recon was started with."""


def prepare() -> None:
    """Call once, first thing in the controller."""
    global _of_programs  # noqa: PLW0603  one for the process, as the limit is the process's
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != 0:  # else there can be none anyway
        _of_programs = (soft, hard)
        resource.setrlimit(resource.RLIMIT_CORE, (_NONE, hard))


def of_programs() -> tuple[int, int]:
    """The limits (soft, hard) that a program starts with."""
    return _of_programs or resource.getrlimit(resource.RLIMIT_CORE)


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """While a program is forked: it starts with the limit that recon was started with."""
    if _of_programs is None:
        yield
        return
    resource.setrlimit(resource.RLIMIT_CORE, _of_programs)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (_NONE, _of_programs[1]))
