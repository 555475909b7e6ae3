"""What stands in each cell of the table, and in which colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.style import Style

from reconciler.render.formats import duration, local, percent, size
from reconciler.render.sparkline import sparkline
from reconciler.ui.monit.feed.recent import Recent, total
from reconciler.ui.monit.table.columns import GRAPH
from reconciler.ui.monit.table.rows import Row
from reconciler.ui.monit.widgets import tones
from reconciler.ui.monit.widgets.tones import BAD, BUSY, FAINT, GOOD, OF_WORD, PLAIN, STRANGE

Document = Mapping[str, Any]
_MUCH, _ALL = 50.0, 90.0
"""Percent of one core."""
_QUIET_TOP = 20.0
"""Percent that the top of a graph stands for at least: 0.1 % after 0 % is no mountain."""
_BAD_STATES = ("backoff", "frozen", "missing")


class Cell(NamedTuple):
    text: str
    style: Style = PLAIN


def cell(row: Row, key: str, recent: Recent, *, blocks: bool) -> Cell:
    """The cell of a column. ``blocks``: the terminal can show them, else ASCII is drawn."""
    if key.endswith("-graph"):
        return Cell(_graph(row, key, recent, blocks), tones.GRAPH)
    if key == "name":
        return _name(row, blocks)
    if row.instance is not None:
        return _of_instance(row.instance, row.app, key)
    return _of_app(row.app, key)


def _name(row: Row, blocks: bool) -> Cell:
    if row.instance is not None:
        return Cell(f"    {row.instance['name']}", FAINT)
    closed, opened = ("▸", "▾") if blocks else ("+", "-")
    mark = (opened if row.is_open else closed) if row.app["instances"] else " "
    return Cell(f"{mark} {row.app['name']}", Style(bold=True))


def _of_app(app: Document, key: str) -> Cell:
    cells: dict[str, Callable[[], Cell]] = {
        "sync": lambda: Cell(app["sync"], OF_WORD.get(app["sync"], PLAIN)),
        "health": lambda: Cell(app["health"], OF_WORD.get(app["health"], PLAIN)),
        "ready": lambda: Cell(
            f"{app['ready']}/{app['desired']}", BUSY if app["ready"] < app["desired"] else PLAIN
        ),
        "cpu": lambda: _cpu(total(app["instances"])[0]),
        "memory": lambda: Cell(size(total(app["instances"])[1])),
        "restarts": lambda: _restarts(app["restarts"]),
        "age": lambda: Cell(duration(_age(app["instances"])), FAINT),
        "revision": lambda: Cell(str(app["revision"] or "-"), FAINT),
        "drift": lambda: Cell(drift(app["drift"]), BUSY),
        "message": lambda: Cell(local(app["message"])),
    }
    return cells[key]()


def _of_instance(row: Document, app: Document, key: str) -> Cell:
    state = "ready" if row["ready"] else row["state"]
    kinds = [one for one in app["drift"] if one["instance"] == row["name"]]
    cells: dict[str, Callable[[], Cell]] = {
        "sync": lambda: Cell(kinds[0]["kind"] if kinds else "", BUSY),
        "health": lambda: Cell(state, _of_state(row)),
        "ready": lambda: Cell("yes" if row["ready"] else "no", PLAIN if row["ready"] else BUSY),
        "cpu": lambda: _cpu(row["cpuPercent"]),
        "memory": lambda: Cell(size(row["rssBytes"])),
        "restarts": lambda: _restarts(row["restarts"]),
        "age": lambda: Cell(duration(row["uptimeSeconds"]), FAINT),
        "revision": lambda: Cell(str(row["revision"] or "-"), FAINT),
        "drift": lambda: Cell(drift(kinds), BUSY),
        "message": lambda: Cell(_facts(row), FAINT),
    }
    return cells[key]()


def _facts(row: Document) -> str:
    facts = [f"pid {row['pid']}" if row["pid"] else "", row["status"] or "", row["exit"] or ""]
    return ", ".join(fact for fact in facts if fact)


def _of_state(row: Document) -> Style:
    if row["ready"]:
        return GOOD
    return BAD if row["state"] in _BAD_STATES else BUSY


def _cpu(value: float | None) -> Cell:
    busy = value is not None and value >= _MUCH
    return Cell(percent(value), (BAD if value >= _ALL else BUSY) if busy and value else PLAIN)


def _restarts(number: int) -> Cell:
    text = (
        str(number)
        if number < 1000
        else "999"[:2] + "k"
        if number > 99_000
        else f"{number // 1000}k"
    )
    return Cell(text, STRANGE if number else FAINT)


def _age(rows: Sequence[Document]) -> float | None:
    return max(
        (row["uptimeSeconds"] for row in rows if row["uptimeSeconds"] is not None), default=None
    )


def drift(found: Sequence[Document]) -> str:
    """``Outdated``, ``2 Outdated, Extra``."""
    kinds = Counter(one["kind"] for one in found)
    return ", ".join(kind if number == 1 else f"{number} {kind}" for kind, number in kinds.items())


def _graph(row: Row, key: str, recent: Recent, blocks: bool) -> str:
    name = row.instance["name"] if row.instance is not None else f"{row.app['name']}/"
    graphs = recent.of(name)
    if key == "cpu-graph":
        values = list(graphs.cpu)[-GRAPH:]
        return sparkline(values, blocks=blocks, top=_QUIET_TOP)
    return sparkline(list(graphs.memory)[-GRAPH:], blocks=blocks)
