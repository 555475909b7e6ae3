"""The change document as text for a terminal, and as markdown for a review.

Both, the JSON and the exit code are drawn from the one document, so they cannot disagree.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.render.cells import cells, fold_line, padded
from reconciler.render.formats import count, local, place
from reconciler.render.status import problem_lines
from reconciler.render.terminal import WIDTH, paint, plain

Document = Mapping[str, Any]

_SIGNS = {"create": "+", "update": "~", "delete": "-", "none": "!"}
_COLOURS = {"create": "green", "update": "yellow", "delete": "red", "none": "magenta"}
_NAME = 32
"""Columns of a name up to which what follows the others stands in line with it."""
_WORDS = {"replaces": "replaces", "in-place": "in place"}


def plan_text(document: Document, *, columns: int | None, colour: bool = False) -> list[str]:
    """The changes, one paragraph an app, the sum, and what is wrong with the manifests: folded to
    ``columns``, or laid out for 80 and not folded."""
    shown = [change for change in document["changes"] if is_shown(change)]
    names = (len(change["app"]) for change in shown)
    width = max((length for length in names if length <= _NAME), default=0)
    lines: list[str] = []
    for change in shown:
        for line, painted in _paragraph(change, width, columns or WIDTH):
            folded = fold_line(line, columns, hang=2 if line.startswith(" ") else 4)
            lines += [paint(one, painted, on=colour) for one in folded]
    if not shown:
        lines += fold_line(_no_changes(document), columns)
    return [
        *lines,
        *fold_line(summary(document), columns),
        *problem_lines(document, columns, colour),
    ]


def _no_changes(document: Document) -> str:
    """What was compared is named: a review of two sets of manifests says nothing of a host."""
    known = "what could be read" if document["errors"] else "what is declared"
    if "base" in document:
        return f"No changes: {known} is what {document['base']['revision']} declared."
    return f"No changes: what runs is {known}."


def summary(document: Document) -> str:
    total = document["summary"]
    return (
        f"Plan: {total['start']} to start, {total['replace']} to replace, "
        f"{total['stop']} to stop, {total['unchanged']} unchanged."
    )


def is_shown(change: Document) -> bool:
    """What changes, and what is held back or has failed."""
    return bool(change["action"] != "none" or change["notes"])


def plan_markdown(document: Document) -> list[str]:
    """A table for a pull request's comment."""
    shown = [change for change in document["changes"] if is_shown(change)]
    lines = [f"**{summary(document).removesuffix('.')}**"]
    if shown:
        lines += ["", "| | app | change | effect | where |", "| --- | --- | --- | --- | --- |"]
    for change in shown:
        lines += [_row(*cells) for cells in _markdown_rows(change)]
    problems = problem_lines(document)[1:]
    if problems:
        lines += ["", f"**{problems[0]}**", ""]
        lines += [f"- {_escape(problem.strip())}" for problem in problems[1:]]
    return lines


def shown_value(value: Any) -> str:
    """A value as people should see it: text as it is, all else as JSON."""
    if value is None:
        return "(unset)"
    if isinstance(value, float):
        return f"{value:.15g}"  # a whole number of seconds as one writes it: 30, not 30.0
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text) or '""'


# -- text ----------------------------------------------------------------------------------------


def _paragraph(change: Document, width: int, columns: int) -> Iterator[tuple[str, str]]:
    """Lines, each with its colour."""
    action = change["action"]
    head, notes = _head(change)
    start = f"{_SIGNS[action]} {change['app']:<{width}}   {plain(local(head))}".rstrip()
    where = _place(change["fields"][0]) if change["fields"] else ""
    gap = columns - cells(start) - cells(where)
    line = start + (" " * gap + where if where and gap > 1 else "")
    yield line, _COLOURS[action]
    if where and gap <= 1:
        yield f"    {where}", ""
    for field in _fields(change["fields"], columns):
        yield field, ""
    for note in notes:
        yield f"    {plain(local(note))}", ""


def _head(change: Document) -> tuple[str, Sequence[str]]:
    """The words behind the name, and the sentences below the fields."""
    numbers, notes = change["instances"], list(change["notes"])
    is_job = change["kind"] == "Job"
    counts = _counts(numbers, "run" if is_job else "instance")
    if change["action"] == "create" and is_job:
        return notes[0] if notes else "a job that is suspended", notes[1:]
    if change["action"] == "create":
        return count(numbers["start"], "instance"), notes
    if change["action"] in ("delete", "none"):
        return (notes[0], notes[1:]) if notes else ("manifest removed", ())
    before, after = change["revision"]["from"], change["revision"]["to"]
    if before and after and before != after:
        return f"revision {before} → {after}", [*notes, *counts]
    if not change["fields"]:
        return "; ".join(counts) or f"revision {after}", notes
    return f"revision {after}", [*notes, *counts]


def _counts(numbers: Mapping[str, int], noun: str) -> list[str]:
    verbs = (("start", "started"), ("stop", "stopped"))
    return [f"{count(numbers[key], noun)} {verb}" for key, verb in verbs if numbers[key]]


def _fields(fields: Sequence[Document], columns: int) -> Iterator[str]:
    """``path  before → after  effect``; values too long for one line get a line each."""
    if not fields:
        return
    values = [(shown_value(field["from"]), shown_value(field["to"])) for field in fields]
    names = [plain(field["path"]) for field in fields]
    paths = max(map(len, names))
    effects = max(len(word) for word in _WORDS.values())
    room = columns - paths - effects - 8
    short = [f"{before} → {after}" for before, after in values]
    across = max((cells(text) for text in short if cells(text) <= room), default=0)
    across = max(across, min(30, room))
    rows = zip(fields, names, short, values, strict=True)
    for field, name, text, (before, after) in rows:
        fits = cells(text) <= room
        middle = text if fits else ""
        yield f"    {name:<{paths}}  {padded(middle, across)}  {_WORDS[field['effect']]}"
        if not fits:
            yield f"      - {before}"
            yield f"      + {after}"


def _place(field: Document) -> str:
    if not field["file"]:
        return ""
    return f"{place(field['file'])}:{field['line']}" if field["line"] else place(field["file"])


# -- markdown ------------------------------------------------------------------------------------


def _markdown_rows(change: Document) -> Iterator[tuple[str, str, str, str, str]]:
    head, notes = _head(change)
    text = "<br>".join(_escape(local(part)) for part in (head, *notes))
    yield (_SIGNS[change["action"]], f"**{_escape(change['app'])}**", text, "", "")
    for field in change["fields"]:
        values = f"{_code(shown_value(field['from']))} → {_code(shown_value(field['to']))}"
        where = _place(field)
        yield (
            "",
            "",
            f"{_code(plain(field['path']))}: {values}",
            _WORDS[field["effect"]],
            _code(where) if where else "",
        )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(text: str) -> str:
    """Verbatim within a table. A bar would end the cell, and a run of backticks the code; a
    backslash before a bar is read by the table and by the code in different ways, so such a text is
    spelled out."""
    if "\\" in text and "|" in text:
        return f"<code>{''.join(_spelled(char) for char in text)}</code>"
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if longest or text != text.strip() else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def _spelled(char: str) -> str:
    return char if char.isalnum() or char == " " else f"&#{ord(char)};"


def _escape(text: str) -> str:
    """Text that is not markup, calls no person and refers to no issue."""
    safe = plain(text).replace("&", "&amp;").replace("<", "&lt;")
    safe = "".join(f"\\{char}" if char in "\\|*_`[]~$" else char for char in safe)
    # A forge looks for names and numbers in what is left: nothing visible parts them.
    return re.sub(r"([@#!])(?=\w|\\_)", "\\1\u200b", safe)
