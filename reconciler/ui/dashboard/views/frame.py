"""What every page has: whether it is live, and if not, what is known from when."""

from __future__ import annotations

from datetime import datetime

from reconciler.ui.dashboard.views.templates import render
from reconciler.ui.dashboard.views.text.words import clock_short
from reconciler.ui.live.snapshot import Snapshot


def frame(snapshot: Snapshot) -> dict[str, str]:
    """The pieces by id."""
    blind = snapshot.blind or ("" if snapshot.status is not None else "it was not read yet")
    return {
        "live": render("live.html", blind=bool(blind)),
        "blind": render(
            "blind.html",
            blind=blind,
            since=_clock(snapshot.blind_since),
            read_at=_clock(snapshot.read_at) if snapshot.read_at else "",
            not_running=snapshot.is_gone,
        ),
    }


def _clock(seconds: float) -> str:
    if not seconds:
        return "the start"
    return clock_short(datetime.fromtimestamp(seconds).astimezone().isoformat())
