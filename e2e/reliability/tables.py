"""Results as Markdown: a grid for a matrix, else a list of cases; long ones fold on GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from e2e.reliability.results import RESULTS, Part, Row

BETWEEN = " × "
_FOLDED = 30
"""Rows; a table with more is opened by a click."""
_SHORT = {"held": "ok", "found": "found", "skipped": "–", "failed": "FAILED"}
_LEGEND = {
    "held": "`ok`: recon kept its promise",
    "found": "`found`: the planted fault was found",
    "skipped": "`–`: skipped, for a reason that is named",
    "failed": "`FAILED`: recon broke its promise",
}


def tables(part: Part) -> list[str]:
    """The lines of a part's tables."""
    if not part.rows:
        return []
    if all(BETWEEN in row.case for row in part.rows):
        return _matrix(part.rows)
    head = ["case", "what", "result", "detail"]
    rows = [[row.case, row.what, row.result, row.detail] for row in part.rows]
    kept = [n for n in range(4) if any(row[n] for row in rows)]
    body = _table([head[n] for n in kept], [[row[n] for n in kept] for row in rows])
    return _folded(body, len(rows), "case")


def counts(rows: Iterable[Row]) -> str:
    """How many of each result there are: `41 held, 1 skipped`."""
    found = [row.result for row in rows]
    return ", ".join(f"{found.count(name)} {name}" for name in RESULTS if name in found)


def _matrix(rows: Sequence[Row]) -> list[str]:
    cells = {row.case: row for row in rows}
    lefts = [*dict.fromkeys(row.case.split(BETWEEN, 1)[0] for row in rows)]
    tops = [*dict.fromkeys(row.case.split(BETWEEN, 1)[1] for row in rows)]
    whats = {row.case.split(BETWEEN, 1)[0]: row.what for row in rows}
    body = [
        [left, *(_short(cells.get(f"{left}{BETWEEN}{top}")) for top in tops), whats[left]]
        for left in lefts
    ]
    there = {row.result for row in rows}
    legend = "; ".join(_LEGEND[name] for name in RESULTS if name in there)
    blank = "; empty: there is no such case" if any("" in row[1:-1] for row in body) else ""
    lines = [f"{legend}{blank}.", "", *_table(["", *tops, "what"], body)]
    noted = [row for row in rows if row.result != "held" and row.detail]
    if noted:
        notes = _table(["cell", "result", "why"], [[r.case, r.result, r.detail] for r in noted])
        lines += ["", *_folded(notes, len(noted), "note")]
    return lines


def _short(row: Row | None) -> str:
    return _SHORT[row.result] if row is not None else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(map(_cell, head))} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _folded(table: list[str], count: int, noun: str) -> list[str]:
    if count <= _FOLDED:
        return table
    return [f"<details><summary>{count} {noun}s</summary>", "", *table, "", "</details>"]
