"""What a process was born with in a limit (``model.host.lineage``): nonce and main process."""

from __future__ import annotations

import resource

from reconciler.model.host.lineage import may_lead, nonce_of


def nonce(pid: int) -> str | None:
    """None where it carries none, is gone, or may not be asked."""
    limit = _limit(pid)
    return None if limit is None else nonce_of(limit)


def is_child(pid: int, nonce: str) -> bool:
    """Whether it was forked by the main process of this nonce, or by a child of that."""
    limit = _limit(pid)
    return limit is not None and nonce_of(limit) == nonce and not may_lead(limit, pid)


def is_main(pid: int, nonce: str) -> bool:
    """Whether it can be the main process of this nonce."""
    limit = _limit(pid)
    return limit is not None and nonce_of(limit) == nonce and may_lead(limit, pid)


def _limit(pid: int) -> int | None:
    try:
        soft, _ = resource.prlimit(pid, resource.RLIMIT_RTTIME)
    except (OSError, ValueError):
        return None
    return soft
