"""Numbers as words that change seldom: each change is work for a browser."""

from __future__ import annotations

from reconciler.render.formats import clock


def age(seconds: float | None) -> str:
    """``12 s``, ``4 min``, ``3 h``, ``12 d``: one unit. ``–`` where unknown."""
    if seconds is None:
        return "–"
    for unit, each in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * each or (each == 60 and seconds >= each):
            return f"{int(seconds // each)} {unit}"
    return f"{int(seconds) // 5 * 5} s"


def share_of_core(percent: float | None) -> str:
    """Processor time in whole percent of a core. ``–`` where unknown."""
    if percent is None:
        return "–"
    return "0%" if percent < 0.5 else f"{percent:.0f}%"


def clock_short(iso: str | None) -> str:
    """An ISO time as ``05:12:09`` of today, else with its date; in the time zone of the host."""
    from datetime import datetime  # noqa: PLC0415  only here

    if not iso:
        return "–"
    shown = clock(iso)
    today = datetime.now().astimezone().strftime("%Y-%m-%d ")
    return shown.removeprefix(today)


def moment(iso: str) -> str:
    """An ISO time in the coming days as ``23:04`` of today, ``Tue 03:30``, ``24 Dec 03:30``."""
    from datetime import datetime  # noqa: PLC0415  only here

    at, now = datetime.fromisoformat(iso).astimezone(), datetime.now().astimezone()
    if at.date() == now.date():
        return at.strftime("%H:%M")
    return at.strftime("%a %H:%M" if abs((at - now).days) < 6 else "%d %b %H:%M")
