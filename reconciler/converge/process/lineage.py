"""What is forked is born with its instance's nonce in a limit (``model.host.lineage``)."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator

from reconciler.model.host.lineage import led_by, limit_of, nonce_of

_NONE = resource.RLIM_INFINITY


def limit(nonce: str) -> tuple[int, int] | None:
    """What RLIMIT_RTTIME is to be while it is forked; None where it is to stay as it is: a user
    has bounded recon's own real-time use, which its programs inherit."""
    return _limit(nonce, resource.getrlimit(resource.RLIMIT_RTTIME))


def _limit(nonce: str, now: tuple[int, int]) -> tuple[int, int] | None:
    wanted, (soft, hard) = limit_of(nonce), now
    if wanted is None or hard != _NONE or not (soft == _NONE or nonce_of(soft)):
        return None
    return wanted, hard


def lead(pid: int, nonce: str) -> None:
    """Have what this new process forks know it as its main process."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_RTTIME)
    if soft == limit_of(nonce):
        resource.prlimit(pid, resource.RLIMIT_RTTIME, (led_by(soft, pid), hard))


@contextlib.contextmanager
def given(nonce: str) -> Iterator[None]:
    """While a child is forked: it is born with this lineage. The limit is the whole process's, and
    means nothing to it."""
    before = resource.getrlimit(resource.RLIMIT_RTTIME)
    wanted = _limit(nonce, before)
    if wanted is None:
        yield
        return
    with contextlib.suppress(OSError, ValueError):  # a sandbox forbids it: other witnesses remain
        resource.setrlimit(resource.RLIMIT_RTTIME, wanted)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_RTTIME, before)
