"""The targets of notifications as a table, and what fails now as lines below another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.render.cells import fold_line
from reconciler.render.formats import clock
from reconciler.render.table import Cell, table
from reconciler.render.terminal import plain


def notices_table(
    document: Mapping[str, Any], *, columns: int | None, colour: bool = False
) -> list[str]:
    """One line a target: where it leads, what waits, and how the last message went."""
    targets = document["targets"]
    if not targets:
        return ["No target is declared. `recon explain Settings.spec.notify` shows how."]
    header = ["TARGET", "TO", "WAITING", "SENT", "LOST", "LAST SENT", "STATE"]
    rows = [_row(target) for target in targets]
    lines = table(header, rows, columns=columns, colour=colour, spare=["TO", "LOST"])
    below = [f"{one['name']}: {one['lastError']}{_again(one)}" for one in targets if one["failing"]]
    fault = document["process"]["message"]
    for text in [*below, *([fault] if fault else [])]:
        lines += ["", *fold_line(plain(text), columns, hang=2)]
    return lines


def trouble_lines(document: Mapping[str, Any], columns: int | None = None) -> list[str]:
    """What `status` says of notifications that are not sent; nothing where all is well."""
    troubles = document.get("notifications", [])
    if not troubles:
        return []
    lines = ["", "Notifications are not sent (`recon notify` shows more):"]
    for one in troubles:
        name = f"{one['target']}: " if one["target"] else ""
        lines += fold_line(plain(f"  {name}{one['message']}"), columns, hang=2)
    return lines


def result_lines(results: Sequence[Mapping[str, Any]], *, colour: bool = False) -> list[str]:
    """One line a target of a test."""
    failed, sent = Cell("failed", "red"), Cell("sent", "green")
    rows = [
        [one["target"], failed if one["error"] else sent, one["error"] or ""] for one in results
    ]
    return table(["TARGET", "RESULT", "ERROR"], rows, columns=None, colour=colour)


def _row(target: Mapping[str, Any]) -> list[str | Cell]:
    return [
        target["name"],
        target["address"],
        str(target["waiting"]),
        str(target["sent"]),
        str(target["givenUp"] + target["dropped"]),
        clock(target["lastSentAt"]) if target["lastSentAt"] else "-",
        _state(target),
    ]


def _state(target: Mapping[str, Any]) -> Cell:
    if target["failing"]:
        return Cell("fails", "red")
    return Cell("well", "green") if target["sent"] else Cell("not used yet")


def _again(target: Mapping[str, Any]) -> str:
    due = target["nextTryAt"]
    return f"; next try at {clock(due)[11:]}" if due and target["waiting"] else ""
