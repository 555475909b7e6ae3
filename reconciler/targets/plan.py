"""What every engine's plan is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from reconciler.diff.prune import Absence, Verdict
from reconciler.model.state.desired import DesiredJob, Problem, Workload
from reconciler.model.state.plan import AppChange, Change, Changes

Kind = Literal["App", "Job"]


def changes(
    declared: Mapping[str, tuple[Workload, Change]],
    removed: Iterable[Change],
    problems: Iterable[Problem],
) -> Changes:
    """Of what is declared, and of what no manifest declares any more, by name."""
    found = [AppChange(name, app, change) for name, (app, change) in declared.items()]
    found += [AppChange(change.app, None, change) for change in removed]
    found.sort(key=lambda one: one.app)
    return Changes(tuple(found), tuple(sorted({*problems})))


def no_change(app: Workload) -> Change:
    """To be filled in."""
    kind: Kind = "Job" if isinstance(app, DesiredJob) else "App"
    return Change(app.name, "none", None, None, (), 0, 0, 0, 0, kind=kind)


def removal(
    app: str, absence: Absence, *, kind: Kind, running: int, revision: int | None = None
) -> Change:
    """Of an app that no manifest declares any more, and that has so many instances."""
    goes = absence.verdict is Verdict.DELETE
    return Change(
        app,
        "delete" if goes else "none",
        revision,
        None,
        (),
        0,
        0,
        running if goes else 0,
        0 if goes else running,
        notes=(absence.reason,),
        kind=kind,
        held=not goes,
    )


def refused(app: Workload, message: str, remedy: str, path: str = "") -> Problem:
    """What an engine has against an app, as a problem of its manifest."""
    place = (app.source.file, app.source.line, 1, path)
    return Problem(*place, message, (app.name,), remedy=remedy)
