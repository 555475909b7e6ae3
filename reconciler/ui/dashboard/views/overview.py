"""All apps: one row each, a sum above them, and what is wrong with the manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reconciler.render.formats import local
from reconciler.ui.dashboard.views.chosen import haystack, matches
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.dashboard.views.sorting import in_order
from reconciler.ui.dashboard.views.templates import render
from reconciler.ui.dashboard.views.text.lines import spark
from reconciler.ui.live.snapshot import Snapshot

_MOST_PROBLEMS = 50
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of the page says: which apps, in which order."""

    query: str = ""
    sort: str = "name"


def overview(snapshot: Snapshot, wanted: Wanted, *, may_act: bool) -> Pieces:
    """The pieces of the page of all apps."""
    rows = in_order([row_of(app, snapshot) for app in snapshot.apps], wanted.sort)
    html = {
        "sum": render("sum.html", **_sum(rows), wanted=wanted),
        "problems": render("problems.html", **_problems(snapshot), may_act=may_act),
        "none": render("none.html", rows=len(rows), known=snapshot.status is not None),
    }
    for row in rows:
        html[row["id"]] = _row(_frozen(row), matches(row["text"], wanted.query))
    return Pieces(html, {"apps": tuple(row["id"] for row in rows)})


def row_of(app: Mapping[str, Any], snapshot: Snapshot) -> Row:
    """What a row shows, as plain values that change no more often than what is shown."""
    used = snapshot.used_by(app["name"])
    memory = sum(one["rssBytes"] for one in used)
    limits = [one["limitBytes"] for one in used if one["limitBytes"]]
    fullest = max(
        (one["rssBytes"] / one["limitBytes"] for one in used if one["limitBytes"]), default=0
    )
    return {
        "id": f"app-{app['name']}",
        "name": app["name"],
        "kind": app["kind"],
        "labels": tuple(f"{key}={value}" for key, value in sorted(app["labels"].items())),
        "text": haystack(app),
        "sync": app["sync"],
        "health": app["health"],
        "ready": app["ready"],
        "desired": app["desired"],
        "restarts": app["restarts"],
        "revision": app["revision"],
        "message": local(app["message"]),
        "cpu": round(sum(one["cpuPercent"] for one in used)),
        "memory": memory,
        "full": round(100 * fullest) if limits else None,
        "leaks": any(one["leak"] for one in used),
        "spark": spark(_sum_of(one["outlineBytes"] for one in used)),
        "next": app.get("nextRun"),
        "running": bool(used),
    }


def _sum_of(series: Iterable[list[float]]) -> list[float]:
    """Of several series of one end, but of other lengths: their sum, as far as each goes."""
    every = [one for one in series if one]
    longest = max(map(len, every), default=0)
    return [
        sum(one[n - longest] for one in every if longest - n <= len(one)) for n in range(longest)
    ]


def _frozen(row: Row) -> tuple[tuple[str, Any], ...]:
    return tuple(row.items())


@lru_cache(maxsize=4096)
def _row(row: tuple[tuple[str, Any], ...], is_chosen: bool) -> str:
    """Of 500 rows few are others than a moment ago: only those are made again."""
    return render("row.html", row=dict(row), is_chosen=is_chosen)


def _sum(rows: list[Row]) -> dict[str, Any]:
    health = Counter(row["health"] for row in rows)
    sync = Counter(row["sync"] for row in rows)
    order = ("Healthy", "Progressing", "Degraded", "Missing", "Suspended", "Unknown")
    return {
        "apps": len(rows),
        "health": [(state, health[state]) for state in order if health[state]],
        "sync": [
            (state, sync[state]) for state in ("Synced", "OutOfSync", "Unknown") if sync[state]
        ],
        "labels": sorted({label for row in rows for label in row["labels"]})[:200],
        "cpu": sum(row["cpu"] for row in rows),
        "memory": sum(row["memory"] for row in rows),
    }


def _problems(snapshot: Snapshot) -> dict[str, Any]:
    found = list(snapshot.status["errors"]) if snapshot.status is not None else []
    journal = snapshot.status.get("journal") if snapshot.status is not None else None
    waits = [app for app in snapshot.apps if app.get("load")]
    removed = [app for app in snapshot.apps if _is_removed(app)]
    return {
        "problems": found[:_MOST_PROBLEMS],
        "more": max(0, len(found) - _MOST_PROBLEMS),
        "journal": journal if journal and journal["message"] else None,
        "waits": waits,
        "removed": removed,
    }


def _is_removed(app: Mapping[str, Any]) -> bool:
    return any(
        one["type"] == "Removed" and one["reason"] == "ConfirmationRequired"
        for one in app["conditions"]
    )
