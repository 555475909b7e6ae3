"""The lineage of a process: its instance's nonce, as a resource limit that ends nothing.

A limit passes through fork and exec. A program that clears its environment, leads a session of its
own and closes its output keeps it, and so does all that it forks. RLIMIT_RTTIME bounds the time
that a real-time thread may take without waiting, in microseconds: a soft limit of 2^62 and more
(146,000 years) is none, and leaves 62 bits to write into. ``converge`` sets it on what is started,
``observed`` reads it as a witness.

48 of them are the nonce. The rest are the end of the main process's pid: what is forked inherits
it, and has another pid of its own. So a child that outlives its main process is known as one, also
where no controller lived to write down which was the main process.
"""

from __future__ import annotations

_NONE = 1 << 62
_BITS = 48
_NONCE = (1 << _BITS) - 1
_PID = (1 << 62 - _BITS) - 1
_DIGITS = frozenset("0123456789abcdef")


def limit_of(nonce: str) -> int | None:
    """The soft limit that carries a nonce; None where the text is not a nonce of recon."""
    is_nonce = len(nonce) == _BITS // 4 and _DIGITS.issuperset(nonce)
    return _NONE | int(nonce, 16) if is_nonce else None


def nonce_of(limit: int) -> str | None:
    """The nonce that a soft limit carries; None where it carries none."""
    return f"{limit & _NONCE:012x}" if limit >> 62 == 1 else None


def led_by(limit: int, pid: int) -> int:
    """The limit of ``limit_of`` on a main process of this pid."""
    return limit | (pid & _PID) << _BITS


def may_lead(limit: int, pid: int) -> bool:
    """Whether the process of this pid, which has this limit, can be the main process: False for
    nearly every child, True where the limit does not say."""
    of_main = limit >> _BITS & _PID
    return of_main in (0, pid & _PID)
