"""Notifications that wait, as the journal has them: a table that release 0.1.0 does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.model.state.notice import Kind, Notice
from reconciler.state.journal import records
from reconciler.state.journal.records import RecordError


def row_of(notice: Notice) -> tuple[Any, ...]:
    """``id, target, at, notice``."""
    return (notice.id, notice.target, notice.created_at, json.dumps(to_document(notice)))


def to_document(notice: Notice) -> dict[str, Any]:
    """What is in it beside its id, target and time."""
    return {
        "kind": notice.kind.value,
        "subject": notice.subject,
        "text": notice.text,
        "items": [dict(item) for item in notice.items],
    }


def load(row: Mapping[str, Any]) -> Notice:
    """A row as a notification; a kind of a later release is an event. RecordError."""
    try:
        found = json.loads(row["notice"])
        subject, text, items = found["subject"], found["text"], found.get("items", [])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(str(error)) from error
    id, target = row["id"], row["target"]
    texts = (id, target, subject, text)
    if not all(isinstance(one, str) for one in texts) or not isinstance(items, list):
        raise RecordError("it is not a notification")
    kind = Kind(found["kind"]) if found.get("kind") in [*Kind] else Kind.EVENT
    dicts = tuple(item for item in items if isinstance(item, dict))
    return Notice(id, target, records.moment(row["at"]), kind, subject, text, dicts)
