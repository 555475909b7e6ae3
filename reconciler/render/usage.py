"""What instances use, as a table and as graphs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.render.formats import count, duration, percent, size
from reconciler.render.sparkline import bounds, chart, fitted, sparkline, unicode_locale
from reconciler.render.table import Cell, table

Row = Mapping[str, Any]

SORTS = ("cpu", "memory", "limit", "name")
_NEAR, _AT = 80, 95
"""Percent of the limit."""
_COLUMNS, _ROWS = 60, 4
_SPARE = ("TREND", "LIMIT")
"""Columns that a narrow terminal goes without."""
_CHARTS = 4
"""Instances that get a graph of several lines; of more, one line each is drawn."""


def usage_table(
    document: Row, *, columns: int | None, sort: str, colour: bool = False
) -> list[str]:
    """A head, and one line an instance."""
    rows = sorted(document["instances"], key=_key(sort))
    if not rows:
        return ["No instance runs."]
    apps = len({row["app"] for row in rows})
    cpu, rss = sum(row["cpuPercent"] for row in rows), sum(row["rssBytes"] for row in rows)
    used = f"{percent(cpu)} of a core, {size(rss)}"
    head = f"{count(apps, 'app')}, {count(len(rows), 'instance')}: {used}"
    header = ["INSTANCE", "CPU", "MEMORY", "LIMIT", "USED", "TREND", "NOTE"]
    return [
        head,
        "",
        *table(header, [*map(_row, rows)], columns=columns, colour=colour, spare=_SPARE),
    ]


def usage_lines(histories: Iterable[Row]) -> list[str]:
    """The histories of an app's instances, drawn; nothing where there is none yet."""
    known = [row for row in histories if row["long"]["highBytes"]]
    if len(known) > _CHARTS:
        rows = [[row["name"], *_line(row), note(row)] for row in known]
        return table(["INSTANCE", "MEMORY", "CPU", "NOTE"], rows, columns=None)
    lines: list[str] = []
    for row in known:
        lines += ["", *_graphs(row)] if lines else _graphs(row)
    return lines


def note(row: Row) -> str:
    """What its history tells, in few words."""
    notes = []
    leak = row["leak"]
    if leak is not None:
        left = leak["secondsLeft"]
        text = f"leaks {size(leak['bytesPerHour'])}/h"
        notes.append(text if left is None else f"{text}, {duration(left)} left")
    if row["saturatedSince"] is not None:
        notes.append("all of a core")
    return "; ".join(notes)


def _row(row: Row) -> list[str | Cell]:
    limit = row["limitBytes"]
    share = 100 * row["rssBytes"] / limit if limit else None
    colour = "" if share is None or share < _NEAR else "yellow" if share < _AT else "red"
    return [
        row["name"],
        percent(row["cpuPercent"]),
        size(row["rssBytes"]),
        size(limit),
        Cell("-" if share is None else f"{share:.0f}%", colour),
        sparkline(row["outlineBytes"], blocks=unicode_locale()),
        Cell(note(row), "yellow"),
    ]


def _key(sort: str) -> Any:
    if sort == "name":
        return lambda row: (row["app"], _number(row))
    if sort == "cpu":
        return lambda row: (-row["cpuPercent"], row["app"], _number(row))
    if sort == "limit":
        return lambda row: (-row["rssBytes"] / (row["limitBytes"] or 2**62), row["app"])
    return lambda row: (-row["rssBytes"], row["app"], _number(row))


def _number(row: Row) -> int:
    return int(row["name"].rpartition("-")[2])


def _series(row: Row) -> tuple[list[float], list[float], float]:
    """Memory, percent of a core, and the seconds between two values: of the whole life, and as
    finely as it is known."""
    long, recent = row["long"], row["recent"]
    every = long["everySeconds"]
    if len(long["highBytes"]) * every <= len(recent["rssBytes"]) * recent["everySeconds"] + every:
        return recent["rssBytes"], recent["cpuPercent"], recent["everySeconds"]
    return long["highBytes"], long["cpuPercent"], every


def _line(row: Row) -> tuple[str, str]:
    blocks = unicode_locale()
    memory, cpu, _ = _series(row)
    few = _COLUMNS // 3
    return sparkline(fitted(memory, few), blocks=blocks), sparkline(fitted(cpu, few), blocks=blocks)


def _graphs(row: Row) -> Iterator[str]:
    blocks = unicode_locale()
    memory, cpu, every = _series(row)
    span, text = duration(every * len(memory)), note(row)
    yield f"  {row['name']}, the last {span}" + (f": {text}" if text else "")
    drawn = fitted(memory, _COLUMNS)
    low, high = bounds(drawn)
    for number, line in enumerate(chart(drawn, _ROWS, blocks=blocks)):
        label = {0: size(round(high)), _ROWS - 1: size(round(low))}.get(number, "")
        yield f"  {label:>9} | {line}".rstrip()
    most = percent(max(cpu))
    yield f"  {'CPU':>9} | {sparkline(fitted(cpu, _COLUMNS), blocks=blocks)} up to {most}"
