"""What the monitor shows, and since when it sees nothing new."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.render.formats import duration

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """One moment. Times are seconds since 1970."""

    document: Document | None = None
    """The status; None where none was ever read."""
    read_at: float = 0.0
    by_itself: bool = False
    """Whether recon read the host without the controller, as `recon status` does then."""
    blind: str = ""
    """Why the controller does not answer, a sentence; empty where it does."""
    blind_since: float = 0.0


def banner(sight: Sight, now: float) -> str:
    """What to say where the controller does not answer; empty where it does."""
    if not sight.blind:
        return ""
    if sight.by_itself:
        since, read = _clock(sight.blind_since), _clock(sight.read_at)
        return f"NO CONTROLLER since {since}, `recon apply` starts one. Read at {read}."
    ago = duration(max(0.0, now - sight.blind_since))
    return f"BLIND since {_clock(sight.blind_since)}, {ago}: {sight.blind}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
