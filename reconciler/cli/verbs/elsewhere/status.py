"""`recon status` and `recon describe` of an engine: the documents that this host has, too."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from reconciler import __version__
from reconciler.api.documents.describe import describe_document
from reconciler.api.documents.iso import iso
from reconciler.api.documents.status import status_around, status_of
from reconciler.cli.framework.controller import unknown_app
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.elsewhere.engine import declared, engine
from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import AppMemory, JournalState
from reconciler.model.state.plan import AppStatus, Plan
from reconciler.targets.engine import Engine, EngineError, Happening, Past, View


def status(place: Where, target: str) -> dict[str, Any]:
    """The status document of everything that is declared or that recon made there."""
    desired = declared(place, with_secrets=False)
    with engine(target) as there:
        return _document(there, there.look(desired, None, prune=False))


def describe(place: Where, target: str, name: str) -> dict[str, Any]:
    """The document of one app, with the engine's own revisions and events."""
    desired = declared(place, with_secrets=False)
    with engine(target) as there:
        view = there.look(desired, None, prune=False)
        row = next((one for one in view.statuses if one.name == name), None)
        if row is None:
            raise CliError(unknown_app(name, [one.name for one in view.statuses]))
        return _described(there, desired, view, row)


def _described(there: Engine, desired: Desired, view: View, row: AppStatus) -> dict[str, Any]:
    whole = _document(there, view)
    found = status_of(row, {}, 0.0, 0.0)
    blank = AppMemory()
    document = describe_document(
        found, desired.apps.get(row.name), blank, (), usage=[], problems=whole["errors"]
    )
    try:
        pasts: Collection[Past] = there.history(row.name)
    except EngineError:  # a Job has no rollouts, and what is missing has none yet
        pasts = ()
    return {
        **document,
        "target": there.name,
        "revisions": [_revision(one) for one in pasts],
        "events": [_event(row.name, one) for one in there.events(row.name)],
    }


def _document(there: Engine, view: View) -> dict[str, Any]:
    rows = [status_of(one, {}, 0.0, 0.0) for one in view.statuses]
    # No controller is asked, and none is needed: the engine is one.
    about = {"running": True, "pid": None, "version": __version__}
    document = status_around(rows, Plan((), view.changes.problems), about, JournalState())
    return {**document, "target": there.name}


def _revision(one: Past) -> dict[str, Any]:
    return {
        "number": one.number,
        "hash": one.digest,
        "createdAt": iso(one.created_at),
        "good": one.state == "running",
        "failed": None,
    }


def _event(app: str, one: Happening) -> dict[str, Any]:
    return {
        "id": None,
        "time": iso(one.at),
        "app": app,
        "instance": None,
        "type": "Warning" if one.is_warning else "Normal",
        "reason": one.reason,
        "message": f"{one.instance}: {one.message}",
        "exit": None,
        "by": None,
    }
