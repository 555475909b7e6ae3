"""How one try to send ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

LONGEST = 16_384
"""Bytes of an outcome on its way from the process that tried."""
_ERROR = 300
"""Characters of an error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` is empty where the message was sent, else a sentence without secrets."""

    error: str = ""
    retry_after: float = 0.0
    """Seconds for which the receiver asks to be left alone."""

    @property
    def ok(self) -> bool:
        return not self.error

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Outcome | None:
        """None where it is not whole."""
        try:
            found = json.loads(data)
            return cls(str(found["error"]), float(found["retry_after"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


def failed(error: str, retry_after: float = 0.0) -> Outcome:
    """A try that failed, for this reason: one line of bounded length."""
    text = " ".join("".join(c if c.isprintable() else " " for c in error).split())
    return Outcome(text[:_ERROR] or "it failed", retry_after)
