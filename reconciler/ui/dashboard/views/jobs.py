"""All Jobs, and a calendar of what runs in the coming days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.dashboard.views.runs import calendar
from reconciler.ui.dashboard.views.templates import render

Document = Mapping[str, Any]


def jobs_page(
    jobs: Sequence[Document], specs: Iterable[tuple[str, Document]], *, may_act: bool
) -> Pieces:
    """``jobs`` of the status; ``specs`` by name, as far as they are known."""
    return Pieces(
        {
            "jobs": render("jobs_table.html", jobs=jobs, may_act=may_act),
            "calendar": render("calendar.html", days=calendar(specs)),
        }
    )
