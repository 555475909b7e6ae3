"""Lines of logs as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.ui.dashboard.views.templates import render
from reconciler.ui.dashboard.views.text.ansi import to_html
from reconciler.ui.dashboard.views.text.words import clock_short

_HUES = 6
_STREAMS = ("stdout", "stderr", "notice")


def rows_of(lines: Iterable[Mapping[str, Any]], search: str = "") -> list[dict[str, Any]]:
    """The lines of ``Client.logs()`` for the template; what is searched for is marked."""
    return [
        {
            "at": clock_short(line["at"]),
            "instance": line["instance"],
            "hue": (line["instance"] or 0) % _HUES,
            "stream": line["stream"] if line["stream"] in _STREAMS else "stdout",
            "position": line["position"],
            "html": to_html(line["line"], search),
        }
        for line in lines
    ]


def html_of(lines: Iterable[Mapping[str, Any]], search: str = "") -> list[str]:
    """Each as the HTML of one line."""
    return [render("line.html", line=row) for row in rows_of(lines, search)]


def gap(number: int) -> str:
    """A line that says how many are not shown."""
    return render("gap.html", number=number)
