"""The nonce that a process was born with, in a limit (``model.host.lineage``)."""

from __future__ import annotations

import resource

from reconciler.model.host.lineage import nonce_of


def nonce(pid: int) -> str | None:
    """None where it carries none, is gone, or may not be asked."""
    try:
        soft, _ = resource.prlimit(pid, resource.RLIMIT_RTTIME)
    except (OSError, ValueError):
        return None
    return nonce_of(soft)
