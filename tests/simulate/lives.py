"""The lives of processes, as the history of a run has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from tests.simulate.history import History


@dataclass
class Life:
    """One process, from its start to its end."""

    app: str
    instance: int
    hash: str
    nonce: str
    version: str
    began: float
    executed: float = inf
    """When its stub had become its program."""
    ended: float = inf
    how: str = ""
    """How it ended."""
    signals: list[tuple[float, str]] = field(default_factory=list)

    @property
    def stopped(self) -> float:
        """When a controller sent it the first signal."""
        return self.signals[0][0] if self.signals else inf

    def is_alive(self, at: float) -> bool:
        return self.began <= at < self.ended

    @property
    def is_crash(self) -> bool:
        """It ended by itself."""
        return self.ended < inf and self.how.startswith("exit") and not self.signals


def lives(history: History) -> list[Life]:
    """In the order of their starts."""
    found: dict[str, Life] = {}
    for one in history.entries:
        if one.what == "start":
            found[one.nonce] = Life(one.app, one.instance, one.hash, one.nonce, one.detail, one.at)
        elif one.what == "exec" and one.nonce in found:
            found[one.nonce].executed = one.at
        elif one.what == "signal" and one.nonce in found and one.at < found[one.nonce].ended:
            found[one.nonce].signals.append((one.at, one.detail))
        elif one.what == "end" and one.nonce in found:
            found[one.nonce].ended, found[one.nonce].how = one.at, one.detail
    return [*found.values()]


def away(history: History) -> Iterator[tuple[float, float]]:
    """When no controller ran: from one's end to when the next had taken over."""
    since: float | None = None
    for one in history.entries:
        if one.what == "kill" and since is None:
            since = one.at
        elif one.what == "controller" and since is not None:
            yield since, one.at
            since = None
