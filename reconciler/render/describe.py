"""The description of one app, and events, as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.render.cells import fold_line
from reconciler.render.events import EventLines
from reconciler.render.formats import clock, local, place
from reconciler.render.status import app_lines, problem_lines, run_table
from reconciler.render.table import Cell, table
from reconciler.render.terminal import paint, plain
from reconciler.render.usage import usage_lines

Document = Mapping[str, Any]


def description(
    document: Document, *, columns: int | None = None, colour: bool = False
) -> list[str]:
    """Everything known of one app; nothing is cut off to fit, sentences are folded."""
    is_job = document["app"]["kind"] == "Job"
    # What recon itself fills in is nothing to read where it is empty; a variable that is, is.
    spec = {key: value for key, value in document["spec"].items() if value != ""}
    lines = [line for one in _head(document) for line in fold_line(one, columns, hang=11)]
    lines += problem_lines(document, columns, colour)
    lines += _section("Spec", tree(spec, "  "), colour)
    conditions = [
        [c["type"], c["status"], c["reason"], c["message"]] for c in document["app"]["conditions"]
    ]
    revisions = [_revision(revision, is_job) for revision in document["revisions"]]
    for title, header, cells in (
        ("Conditions", ["TYPE", "STATUS", "REASON", "MESSAGE"], conditions),
        ("Revisions", ["NUMBER", "CREATED", "STATE", "HASH"], revisions),
    ):
        if cells:
            shown = table(header, cells, columns=columns, colour=colour, whole=True)
            lines += _section(title, shown, colour)
    rows = app_lines(document["app"], columns=columns, colour=colour)
    lines += _section("Runs" if is_job else "Instances", rows, colour)
    builds = run_table(document.get("builds", ()), columns=None, colour=colour)
    lines += _section("Builds", builds, colour)
    lines += _section("Usage", usage_lines(document.get("usage", ())), colour)
    lines_of = EventLines(document["events"], colour=colour, named=False, columns=columns)
    events = [line for event in document["events"] for line in lines_of.folded(event)]
    return [*lines, *_section("Events", events, colour)]


def _head(document: Document) -> Iterator[str]:
    app, source = document["app"], document["source"]
    labels = ", ".join(f"{key}={value}" for key, value in document["labels"].items())
    secrets = ", ".join(f"{name}=***" for name in document.get("secrets", []))
    needs = ", ".join(
        f"{need['app']} ({need['condition']}{', restart' if need['restart'] else ''})"
        for need in document["spec"].get("dependsOn", ())
    )
    rows = {
        "Name": app["name"],
        "Kind": app["kind"],
        "Manifest": f"{place(source['file'])}:{source['line']}"
        if source
        else "no manifest declares it",
        "Labels": labels,
        "Needs": needs,
        "Sync": app["sync"],
        "Health": app["health"],
        "Ready": f"{app['ready']}/{app['desired']}",
        "Revision": str(app["revision"] or "-"),
        "Restarts": str(app["restarts"]),
        "Message": local(app["message"]),
        "Secrets": secrets,
    }
    for title, text in rows.items():
        if text:
            yield f"{title + ':':<11}{plain(text)}"


def _section(title: str, lines: Iterable[str], colour: bool) -> list[str]:
    body = list(lines)
    return ["", paint(f"{title}:", "bold", on=colour), *body] if body else []


def _revision(revision: Document, is_job: bool) -> list[str | Cell]:
    """The state of a revision; a Job's is shown by its runs."""
    undecided = "-" if is_job else "not rolled out yet"
    state = revision["failed"] or ("good" if revision["good"] else undecided)
    colour = "red" if revision["failed"] else ""
    return [
        str(revision["number"]),
        clock(revision["createdAt"]),
        Cell(state, colour),
        revision["hash"],
    ]


def tree(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Nested maps, one key a line; what is not set is left out."""
    for key, below in value.items():
        if below is None or below in ({}, []):
            continue
        if isinstance(below, dict):
            yield f"{indent}{plain(key)}:"
            yield from tree(below, indent + "  ")
        else:
            yield f"{indent}{plain(key)}: {plain(_value(below))}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
