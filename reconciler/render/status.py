"""The status document as tables: the same with and without a controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.render.cells import clip, fold, fold_line
from reconciler.render.formats import clock, count, duration, local, percent, place, size
from reconciler.render.table import Cell, table
from reconciler.render.terminal import WIDTH, paint, plain

Document = Mapping[str, Any]

_COLOURS = {
    "Synced": "green",
    "OutOfSync": "yellow",
    "Unknown": "magenta",
    "Healthy": "green",
    "Progressing": "yellow",
    "Degraded": "red",
    "Missing": "red",
    "Suspended": "dim",
}

_SPARE = ("RESTARTS", "REV")
_SPARE_OF_INSTANCES = ("REV", "CPU", "RESTARTS", "AGE", "MEMORY")
_SPARE_OF_RUNS = ("PID", "FAILURES", "WHY", "TOOK")
"""Columns of the tables that a narrow terminal goes without, in this order."""
_TELL_THE_COMMAND = ("ShellSyntax", "PortInUse")
"""Causes that say already how the command is to be written."""


def status_table(
    document: Document, *, columns: int | None, colour: bool = False, wide: bool = False
) -> list[str]:
    """One line an app; ``wide``: what it uses, too, and the message uncut. Then what is wrong."""
    apps = document["apps"]
    if not apps:
        return ["No apps are declared, and none runs.", *problem_lines(document, columns, colour)]
    header = ["APP", "SYNC", "HEALTH", "READY", "REV", "RESTARTS"]
    header += ["UPDATED", "AVAILABLE", "CPU", "MEMORY", "AGE", "MESSAGE"] if wide else ["MESSAGE"]
    rows = [[*_first(app), *(_usage(app) if wide else ()), local(app["message"])] for app in apps]
    room = None if wide else columns
    lines = table(header, rows, columns=room, colour=colour, spare=_SPARE, below=True)
    return [*lines, *problem_lines(document, columns, colour)]


def cut_messages(document: Document, lines: Sequence[str]) -> list[str]:
    """The messages that the table has no room for, in full, because the user named these apps."""
    shown = "\n".join(lines)
    full = ((app["name"], plain(local(app["message"]))) for app in document["apps"])
    return [f"{name}: {message}" for name, message in full if message not in shown]


def app_lines(app: Document, *, columns: int | None, colour: bool = False) -> list[str]:
    """The instances of one app, and its drift."""
    lines = cause_lines(app, columns=columns, colour=colour)
    if app["kind"] == "Job":
        below = run_table(app["runs"], columns=columns, colour=colour, instances=app["instances"])
    else:
        below = instance_table(app, columns=columns, colour=colour)
    lines += ["", *below] if lines and below else below
    crash = app.get("lastCrash")
    if crash:
        from reconciler.render.events import crash_lines  # noqa: PLC0415  for a crash only

        shown = crash_lines(crash, output=not app.get("causes"), columns=columns)
        lines += [""] if lines else []
        lines += [line for one in shown for line in fold_line(one, columns, hang=2)]
    statuses = [[row["name"], plain(row["status"])] for row in app["instances"] if row["status"]]
    if statuses:
        header = ["INSTANCE", "SAYS"]
        lines += ["", *table(header, statuses, columns=columns, colour=colour, whole=True)]
    if app["drift"]:
        rows = [[drift["kind"], drift["instance"], drift["detail"]] for drift in app["drift"]]
        header = ["DRIFT", "INSTANCE", "DETAIL"]
        lines += ["", *table(header, rows, columns=columns, colour=colour, whole=True)]
    return lines


def cause_lines(app: Document, *, columns: int | None, colour: bool = False) -> list[str]:
    """Why it is not well, and what to do: each cause with the last lines of a process."""
    room = (columns or WIDTH) - 2
    lines: list[str] = []
    for cause in app.get("causes", ()):
        lines += [""] if lines else []
        lines += fold(_head(cause), room + 2)
        message, remedy = plain(local(cause["message"])), plain(local(f"→ {cause['remedy']}"))
        for text, painted in ((message, "red"), (remedy, "bold")):
            lines += [f"  {paint(line, painted, on=colour)}" for line in fold(text, room)]
        output = cause.get("output")
        for text in output["lines"] if output else ():
            line = f"{'!' if output['stream'] == 'stderr' else '|'} {plain(text)}"
            lines.append("  " + (clip(line, room) if columns else line))
    advices = [one for one in app.get("advice", ()) if one["path"] == "command"]
    if any(cause["code"] in _TELL_THE_COMMAND for cause in app.get("causes", ())):
        advices = []
    for advice in advices:
        lines += [""] if lines else []
        text = plain(f"advice: {advice['path']}: {local(advice['message'])}")
        lines += fold(text, room + 2, indent="  ")
    return lines


def _head(cause: Document) -> str:
    """``web-0, web-1: exit 1 after 0.3 s``."""
    names = cause["instances"]
    subjects = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if cause["uptimeSeconds"] is None:
        return f"{subjects}: {cause['code']}"
    return f"{subjects}: {cause['code']}, {cause['exit']} after {_took(cause['uptimeSeconds'])}"


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def instance_table(app: Document, *, columns: int | None, colour: bool = False) -> list[str]:
    """One line an instance of one app; nothing where there is none."""
    rows = [_instance(row) for row in app["instances"]]
    if not rows:
        return []
    header = ["INSTANCE", "STATE", "READY", "REV", "PID", "AGE", "CPU", "MEMORY", "RESTARTS"]
    return table(
        [*header, "LAST END"], rows, columns=columns, colour=colour, spare=_SPARE_OF_INSTANCES
    )


def run_table(
    runs: Sequence[Document],
    *,
    columns: int | None,
    colour: bool = False,
    instances: Sequence[Document] = (),
) -> list[str]:
    """One line a run of a Job, or a build; nothing where there is none."""
    pids = {row["name"].rpartition("-")[2]: row["pid"] for row in instances}
    rows = [_run(run, pids.get(str(run["number"]))) for run in runs]
    if not rows:
        return []
    header = ["RUN", "OUTCOME", "WHY", "STARTED", "TOOK", "PID", "FAILURES", "LAST END"]
    return table(header, rows, columns=columns, colour=colour, spare=_SPARE_OF_RUNS)


def _run(run: Document, pid: int | None) -> list[str | Cell]:
    colours = {"Succeeded": "green", "Failed": "red", "Active": "yellow"}
    why = run["why"]
    if run["scheduledFor"]:
        why = f"due {clock(run['scheduledFor'])[:-3]}"
    return [
        str(run["number"]),
        Cell(run["outcome"], colours.get(run["outcome"], "")),
        why,
        clock(run["startedAt"]) if run["startedAt"] else "-",
        duration(run["durationSeconds"]),
        str(pid or "-"),
        str(run["failures"]),
        run["exit"] or run["reason"] or "-",
    ]


def problem_lines(
    document: Document, columns: int | None = None, colour: bool = False
) -> list[str]:
    """What is wrong with the manifests, in full: a place that is cut off is of no use."""
    problems, others = document.get("errors", []), document.get("otherErrors", 0)
    more = ["", f"{count(others, 'problem')} in other manifests: `recon status`"] if others else []
    if not problems:
        return more
    return [
        *more,
        "",
        paint(f"{count(len(problems), 'problem')} in the manifests:", "red", on=colour),
        *(line for one in problems for line in fold_line(problem(one), columns, hang=2)),
    ]


def problem(found: Document) -> str:
    """``file:line:column: path: message``."""
    where = place(found["file"])
    if found["line"]:
        where += f":{found['line']}:{found['column']}"
    parts = [where, found["path"], local(found["message"])]
    return "  " + plain(": ".join(part for part in parts if part))


def is_settled(app: Document) -> bool:
    """As it should be: Synced, and Healthy or suspended on purpose."""
    return app["sync"] == "Synced" and app["health"] in ("Healthy", "Suspended")


def has_drift(document: Document) -> bool:
    """Whether `status --detailed-exitcode` says 2."""
    return bool(document.get("errors")) or not all(map(is_settled, document["apps"]))


def _first(app: Document) -> list[str | Cell]:
    return [
        app["name"],
        _coloured(app["sync"]),
        _coloured(app["health"]),
        f"{app['ready']}/{app['desired']}",
        str(app["revision"] or "-"),
        str(app["restarts"]),
    ]


def _usage(app: Document) -> list[str]:
    rows: Sequence[Document] = app["instances"]
    ages = [row["uptimeSeconds"] for row in rows if row["uptimeSeconds"] is not None]
    return [
        str(app["updated"]),
        str(app["available"]),
        percent(_sum(row["cpuPercent"] for row in rows)),
        size(_sum(row["rssBytes"] for row in rows)),
        duration(max(ages, default=None)),
    ]


def _sum(values: Any) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _instance(row: Document) -> list[str | Cell]:
    state = row["state"]
    bad = state in ("backoff", "frozen", "missing")
    return [
        row["name"],
        Cell(state, "red" if bad else ""),
        "yes" if row["ready"] else "no",
        str(row["revision"] or "-"),
        str(row["pid"] or "-"),
        duration(row["uptimeSeconds"]),
        percent(row["cpuPercent"]),
        size(row["rssBytes"]),
        str(row["restarts"]),
        row["exit"] or "-",
    ]


def _coloured(text: str) -> Cell:
    return Cell(text, _COLOURS.get(text, ""))
