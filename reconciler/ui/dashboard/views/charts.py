"""Memory and processor time of an app's instances over hours, drawn on the server.

A chart is stretched to the width of its place, so it holds lines only; its words stand around it
as text. Limits, restarts and the forecast of a leak are in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from reconciler.render.formats import clock, duration, percent, size
from reconciler.ui.dashboard.views.text.lines import path

Document = Mapping[str, Any]

WIDTH, HEIGHT = 600, 120
_MOST = 6
"""Instances that get a line of their own; of more, those that use most."""
_AHEAD = 0.5
"""As a share of the time behind, how far ahead a forecast is drawn."""
_NEAR = 0.4
"""A limit is drawn if more than this share of it was used; else it would flatten everything."""


class Line(NamedTuple):
    name: str
    path: str
    forecast: str
    last: str


class Chart(NamedTuple):
    """One chart, in a box of ``WIDTH`` by ``HEIGHT``."""

    title: str
    summary: str
    """All of it in words, for a reader who does not see it."""
    lines: list[Line]
    limit: float | None
    """Height of the limit's line."""
    restarts: list[float]
    """Where instances were started."""
    top: str
    begin: str
    end: str
    notes: list[str]


class _Series(NamedTuple):
    name: str
    times: list[float]
    values: list[float]
    row: Document


class _Frame(NamedTuple):
    begin: float
    end: float
    top: float

    def point(self, at: float, value: float) -> tuple[float, float]:
        across = (at - self.begin) / max(1.0, self.end - self.begin)
        return WIDTH * across, HEIGHT * (1 - min(1.0, value / self.top))


def charts_of(described: Document, app: Document) -> list[Chart]:
    """Memory and CPU of the instances; nothing where nothing is known yet."""
    starts = [_seconds(row["startTime"]) for row in app["instances"] if row["startTime"]]
    ends = [_seconds(event["time"]) for event in described["events"] if event["exit"]]
    found = []
    for title, key, text in (
        ("Memory", "memory", lambda value: size(round(value))),
        ("CPU, percent of a core", "cpu", percent),
    ):
        series = [*_series(described["usage"], key)]
        if series:
            found.append(_chart(title, key, series, [*starts, *ends], text))
    return found


def _series(histories: Sequence[Document], key: str) -> Iterator[_Series]:
    """Of each instance; as finely as it is known, as long as that is all of it."""
    found = []
    for row in histories:
        long, recent = row["long"], row["recent"]
        is_short = len(long["time"]) * long["everySeconds"] <= (
            len(recent["time"]) * recent["everySeconds"] + long["everySeconds"]
        )
        names = ("rssBytes", "cpuPercent") if is_short else ("highBytes", "cpuPercent")
        kept = recent if is_short else long
        values = kept[names[0] if key == "memory" else names[1]]
        times = [_seconds(at) for at in kept["time"]]
        if len(times) > 1:
            found.append(_Series(row["name"], times, values, row))
    found.sort(key=lambda one: -max(one.values))
    yield from sorted(found[:_MOST], key=lambda one: one.name)


def _chart(
    title: str,
    key: str,
    series: list[_Series],
    starts: list[float],
    text: Callable[[float], str],
) -> Chart:
    begin = min(one.times[0] for one in series)
    now = max(one.times[-1] for one in series)
    peak = max(max(one.values) for one in series)
    limit = _limit(series, peak) if key == "memory" else None
    leaks = [one for one in series if key == "memory" and one.row["leak"]]
    end = max((_until(one, now, begin) for one in leaks), default=now)
    frame = _Frame(begin, end, max(peak * 1.15, (limit or 0) * 1.05, 1.0))
    lines = [_line(one, frame, text, is_leak=one in leaks) for one in series]
    highest = f"highest {text(peak)}"
    return Chart(
        title=title,
        summary=f"{title}, {duration(now - begin)}: "
        + ", ".join(f"{line.name} {line.last}" for line in lines)
        + f"; {highest}",
        lines=lines,
        limit=frame.point(begin, limit)[1] if limit else None,
        restarts=sorted({round(frame.point(at, 0)[0], 1) for at in starts if begin < at <= now}),
        top=text(frame.top),
        begin=clock(_iso(begin))[5:16],
        end="now" if end == now else f"in {duration(end - now)}",
        notes=[*_notes(series, limit, text), highest],
    )


def _limit(series: list[_Series], peak: float) -> float | None:
    """limits.memory, where the instances come near it."""
    known = [one.row["limitBytes"] for one in series if one.row["limitBytes"]]
    return max(known) if known and peak > _NEAR * max(known) else None


def _notes(
    series: list[_Series], drawn: float | None, text: Callable[[float], str]
) -> Iterator[str]:
    limits = {one.row["limitBytes"] for one in series if one.row["limitBytes"]}
    if drawn is not None:
        yield f"limit {text(drawn)}"
    elif limits and series[0].row["long"] and "%" not in text(1.0):
        yield f"limit {text(max(limits))}, far above"
    for one in series:
        leak = one.row["leak"]
        if leak and "%" not in text(1.0):
            left = leak["secondsLeft"]
            reach = f", reaches its limit in {duration(left)}" if left is not None else ""
            yield f"{one.name} leaks {size(leak['bytesPerHour'])} an hour{reach}"
        if one.row["saturatedSince"] and "%" in text(1.0):
            yield f"{one.name} uses all of a core since {clock(one.row['saturatedSince'])[5:16]}"


def _until(one: _Series, now: float, begin: float) -> float:
    """How far ahead a leak is drawn: to its limit, or as far as there is room."""
    left = one.row["leak"]["secondsLeft"]
    most = max(60.0, (now - begin) * _AHEAD)
    return now + (most if left is None else min(most, max(60.0, float(left))))


def _line(one: _Series, frame: _Frame, text: Callable[[float], str], *, is_leak: bool) -> Line:
    points = [frame.point(at, value) for at, value in zip(one.times, one.values, strict=True)]
    ahead = ""
    if is_leak:
        rate = one.row["leak"]["bytesPerHour"] / 3600
        at = frame.end
        value = one.values[-1] + rate * (at - one.times[-1])
        ahead = path([points[-1], frame.point(at, value)])
    return Line(one.name, path(points), ahead, text(one.values[-1]))


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat()
