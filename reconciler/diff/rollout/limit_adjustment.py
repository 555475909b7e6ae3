"""Limits of live processes against the manifest: what differs, and what is to be put in force.

A limit is in force on every process of its app, of whatever revision, from its birth on; when the
manifest changes, or a user changed it by hand, recon sets it in place. A limit that is not
declared any more goes back to what recon itself has, once; what was never declared is left alone.

A value that a process cannot be given stays drift, with the reason, and is not tried again until
the manifest says another: so a plan that was carried out is empty, whatever the kernel said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from reconciler.diff.core.situation import Situation
from reconciler.model.spec.limits import Value, shown, wanted
from reconciler.model.state.observed import DriftKind, Process, RunState
from reconciler.model.state.plan import Adjust, Drift

S = TypeVar("S", bound=Situation)


def remember(at: S) -> S:
    """Note the fields to look at: those declared, and those that still have to go back."""
    declared, known = set(wanted(at.app.spec.limits)), at.memory.limited
    if not declared and not known:
        return at
    inherited, processes = at.moment.observed.inherited, _live(at)
    fields = declared | {
        field
        for field in set(known) - declared
        if any(_is_unrestored(process, field, inherited) for process in processes)
    }
    limited = tuple(sorted(fields))
    return at if limited == known else at.after(replace(at.memory, limited=limited))


def adjustments(at: Situation) -> Iterator[Adjust]:
    """What is to be put in force now. The memory is as ``remember`` returned it."""
    values = _values(at)
    for process in _live(at) if values else ():
        due = {
            field: value
            for field, value in values.items()
            if _differs(process, field, value) and not _was_refused(process, field, value)
        }
        if due:
            yield Adjust(process, due, {f: _change(process, f, due[f]) for f in due})


def drift_of(at: Situation) -> Iterator[Drift]:
    """One entry a field and process."""
    values = _values(at)
    for process in _live(at) if values else ():
        for field, value in values.items():
            if not _differs(process, field, value):
                continue
            has = shown(field, process.limits[field])
            message = (
                f"limits.{field} is {has} on pid {process.id.pid}, {shown(field, value)} wanted"
            )
            if _was_refused(process, field, value):
                message += f"; {process.unadjusted[field][1]}"
            yield Drift(DriftKind.IN_PLACE, process.name, message)


def stuck(at: Situation) -> str:
    """Which limit cannot be set in place, and what would help; empty where there is none."""
    values = wanted(at.app.spec.limits)
    for process in _live(at) if values else ():
        for field, value in sorted(values.items()):
            if _differs(process, field, value) and _was_refused(process, field, value):
                return f"limits.{field} of {process.name}: {process.unadjusted[field][1]}"
    return ""


def _live(at: Situation) -> list[Process]:
    live = [process for process in at.processes if process.state is not RunState.STOPPING]
    return sorted(live, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce))


def _values(at: Situation) -> dict[str, Value]:
    inherited = at.moment.observed.inherited
    back = {field: inherited[field] for field in at.memory.limited if field in inherited}
    return dict(sorted({**back, **wanted(at.app.spec.limits)}.items()))


def _differs(process: Process, field: str, value: Value) -> bool:
    """What could not be read is not known to differ."""
    return field in process.limits and process.limits[field] != value


def _was_refused(process: Process, field: str, value: Value) -> bool:
    return field in process.unadjusted and process.unadjusted[field][0] == value


def _is_unrestored(process: Process, field: str, inherited: Mapping[str, Value]) -> bool:
    value = inherited.get(field)
    if value is None or field not in process.limits:
        return True
    return _differs(process, field, value) and not _was_refused(process, field, value)


def _change(process: Process, field: str, value: Value) -> str:
    return f"limits.{field} {shown(field, process.limits[field])} → {shown(field, value)}"
