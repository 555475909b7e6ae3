"""What happened in one run: lines for a person, and a digest to compare runs by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Entry(NamedTuple):
    """One thing that happened."""

    at: float
    """Seconds since the run began, over boots too."""
    what: str
    """``start``, ``exec``, ``end``, ``signal``, ``limits``, ``kill``, ``boot``, ``controller``,
    ``edit``, ``fault``"""
    app: str = ""
    instance: int = -1
    hash: str = ""
    nonce: str = ""
    detail: str = ""

    def __str__(self) -> str:
        who = f"{self.app}/{self.instance}" if self.instance >= 0 else self.app
        words = [f"{self.at:10.3f}", f"{self.what:<10}", f"{who:<14}", self.detail]
        return " ".join((*words, self.nonce and f"[{self.nonce}]")).rstrip()


@dataclass
class History:
    """All of it, in order."""

    entries: list[Entry] = field(default_factory=list)

    def of(self, what: str, app: str | None = None) -> Iterator[Entry]:
        return (e for e in self.entries if e.what == what and app in (None, e.app))

    def digest(self) -> str:
        """The same for two runs in which the same happened at the same moments."""
        text = "\n".join(map(str, self.entries))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
