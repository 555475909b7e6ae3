"""The lineage of a process: its instance's nonce, as a resource limit that ends nothing.

A limit passes through fork and exec. A program that clears its environment, leads a session of its
own and closes its output keeps it, and so does all that it forks. RLIMIT_RTTIME bounds the time
that a real-time thread may take without waiting, in microseconds: a soft limit of 2^62 and more
(146,000 years) is none, and leaves 62 bits to write into. ``converge`` sets it on what is started,
``observed`` reads it as a witness.
"""

from __future__ import annotations

import re

_NONE = 1 << 62
_BITS = 48
_NONCE = re.compile(r"[0-9a-f]{12}")


def limit_of(nonce: str) -> int | None:
    """The soft limit that carries a nonce; None where the text is not a nonce of recon."""
    return _NONE | int(nonce, 16) if _NONCE.fullmatch(nonce) else None


def nonce_of(limit: int) -> str | None:
    """The nonce that a soft limit carries; None where it carries none."""
    return f"{limit ^ _NONE:012x}" if limit >> _BITS == _NONE >> _BITS else None
