"""One app in full, as JSON. Secrets are references."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.api.documents.event import event_document
from reconciler.api.documents.iso import iso
from reconciler.api.documents.status import FORMAT_VERSION, run_document
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory, Run
from reconciler.state.journal.events import RecordedEvent


def describe_document(
    status: dict[str, Any],
    app: Workload | None,
    memory: AppMemory,
    events: Iterable[RecordedEvent],
    *,
    usage: list[dict[str, Any]],
    builds: Iterable[Run] = (),
    problems: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Everything known of one app. ``status`` is its part of the status document, ``usage`` its
    instances' histories (``api.documents.usage``), ``builds`` the runs of its builder."""
    wrong = [one for one in problems if status["name"] in one["apps"]]
    source = {"file": wrong[0]["file"], "line": wrong[0]["line"]} if wrong else None
    return {
        "formatVersion": FORMAT_VERSION,
        "app": status,
        "errors": wrong,
        "source": {"file": app.source.file, "line": app.source.line} if app else source,
        "labels": dict(app.labels) if app else {},
        "spec": _spec(app) if app else {},
        "secrets": sorted(app.secrets or {}) if app else [],
        "revisions": [
            {
                "number": revision.number,
                "hash": revision.hash,
                "createdAt": iso(revision.created_at),
                "good": revision.good,
                "failed": revision.failed,
            }
            for revision in memory.revisions
        ],
        "builds": [run_document(run) for run in builds],
        "usage": usage,
        "events": [event_document(recorded) for recorded in events],
    }


def _spec(app: Workload) -> dict[str, Any]:
    """The spec with its defaults."""
    return app.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
