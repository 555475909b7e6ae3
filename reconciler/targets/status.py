"""What every engine's status says of the plan. Pure."""

from __future__ import annotations

from reconciler.model.state.observed import DriftKind
from reconciler.model.state.plan import AppChange, AppPlan, Drift, Sync
from reconciler.model.words.fields import Effect

_DRIFTS = {Effect.REPLACES: DriftKind.OUTDATED, Effect.IN_PLACE: DriftKind.IN_PLACE}


def sync(app: AppChange | AppPlan, *, is_there: bool) -> Sync:
    """Whether what is there is what is declared."""
    if app.desired is not None and app.desired.problem is not None:
        return Sync.UNKNOWN
    same = app.change.action == "none" and not app.change.held and is_there
    return Sync.SYNCED if same else Sync.OUT_OF_SYNC


def message(app: AppChange | AppPlan, health: str) -> str:
    """What is to be done first; else why it is not well (``health``); else that it differs."""
    change = app.change
    if change.notes and (change.held or app.desired is None):
        return change.notes[0]
    if not health and change.action == "update":
        return change.notes[0] if change.notes else "is not what is declared"
    return health


def drift(app: AppChange | AppPlan) -> tuple[Drift, ...]:
    """What is not as the manifest says, also where that waits for a person."""
    if app.change.action != "update" and not app.change.held:
        return ()
    return tuple(
        Drift(_DRIFTS[one.effect], app.app, f"{one.path}: {_text(one.before)} → {_text(one.after)}")
        for one in app.change.fields
    )


def _text(value: object) -> str:
    return "(unset)" if value is None else str(value)
