"""What runs, as a tree: a revision, and below it the instances that run it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Tree(NamedTuple):
    """``rows`` by id, in order: revisions (``kind`` is ``revision``) and instances."""

    rows: dict[str, dict[str, Any]]
    share: dict[str, int]
    """Of the instances that are declared, how many percent are updated, ready and available."""


def tree_of(app: Document, used: Iterable[Document]) -> Tree:
    """The tree of an app. What is declared stands first, then the older revisions."""
    by_pid = {row["pid"]: row for row in used}
    groups: dict[int, list[Document]] = defaultdict(list)
    for row in app["instances"]:
        groups[row["revision"] or (app["revision"] if row["pid"] is None else 0)].append(row)
    groups.setdefault(app["revision"], [])
    rows: dict[str, dict[str, Any]] = {}
    for number in sorted(groups, reverse=True):
        rows[f"rev-{number}"] = _revision(number, app, groups[number])
        for row in groups[number]:
            key = f"in-{row['name']}-{row['pid'] or row['state']}"
            rows[key] = _instance(row, by_pid.get(row["pid"]) or {})
    return Tree(rows, _shares(app))


def _revision(number: int, app: Document, rows: list[Document]) -> dict[str, Any]:
    return {
        "kind": "revision",
        "number": number,
        "is_declared": number == app["revision"],
        "instances": len(rows),
        "ready": sum(bool(row["ready"]) for row in rows),
    }


def _instance(row: Document, used: Document) -> dict[str, Any]:
    memory = used.get("rssBytes", row["rssBytes"])
    limit = used.get("limitBytes")
    state = row["state"]
    return {
        "kind": "instance",
        "name": row["name"],
        "state": "starting" if state == "running" and not row["ready"] else state,
        "ready": row["ready"],
        "pid": row["pid"],
        "uptime": row["uptimeSeconds"],
        "restarts": row["restarts"],
        "cpu": used.get("cpuPercent", row["cpuPercent"]),
        "memory": memory,
        "full": round(100 * memory / limit) if limit and memory else None,
        "exit": row["exit"],
        "status": row["status"],
    }


def _shares(app: Document) -> dict[str, int]:
    desired = app["desired"] or 1
    return {
        name: min(100, round(100 * app[name] / desired))
        for name in ("updated", "ready", "available")
    }
