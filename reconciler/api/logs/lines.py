"""A line of output as JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from reconciler.api.documents.iso import iso
from reconciler.checks.redact import Redactor
from reconciler.logs.read.request import Line, LogQuery


def documents(lines: tuple[Line, ...], query: LogQuery, redact: Redactor) -> list[dict[str, Any]]:
    """The lines, with secrets masked. What only a secret made a match is left out: an answer to
    a search must not tell what a secret holds."""
    found = []
    for line in lines:
        text = redact(line.text) if line.is_suspect else line.text
        if text is line.text or text == line.text or query.matches(text):
            found.append(_document(line, text))
    return found


def notice(app: str, message: str) -> dict[str, Any]:
    """A notice to one reader, in the place of lines."""
    document = {"at": iso(time.time()), "app": app, "instance": None, "stream": "notice"}
    return {**document, "line": message, "position": None}


def encoded(document: dict[str, Any]) -> bytes:
    """As JSON in ASCII."""
    return json.dumps(document, separators=(",", ":")).encode()


def _document(line: Line, text: str) -> dict[str, Any]:
    return {
        "at": iso(line.time) if line.time is not None else None,
        "app": line.app,
        "instance": line.instance,
        "stream": "stderr" if line.stream == "err" else "stdout",
        "line": text,
        "position": line.position,
    }
