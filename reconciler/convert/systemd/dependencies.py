"""What is to be there before: order and pull, and what no unit can wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.convert.fields import Fate
from reconciler.convert.systemd.draft import Draft


def dependencies(draft: Draft, apps: Mapping[str, Draft]) -> None:
    """Order and pull; never Requires= but for what has to have ended well.

    A dependency that stops would take what requires it along, which recon never does. ``apps``:
    all that are exported.
    """
    for dependency in draft.take("dependsOn", default=[]):
        name = dependency["app"]
        other = apps.get(name)
        if other is None:
            entry = f"{draft.target.prefix}{name}.service"
            note = f"{name} is not exported; {entry} is used for it"
            draft.note(Fate.TODO, note, "dependsOn", name)
            _after(draft, entry, requires=dependency.get("condition") == "Completed")
        elif other.is_job:
            _after_job(draft, other, dependency)
        else:
            _after_app(draft, other, dependency)
        if dependency.get("restart"):
            note = (
                f"a restart of {name} restarts nothing else; PartOf= would, but would"
                " also follow a stop"
            )
            draft.note(Fate.LOST, note, "dependsOn", name, "restart")
        for field in dependency.keys() - {"app", "condition", "restart"}:
            note = "the exporter does not know this field; set it by hand"
            draft.note(Fate.LOST, note, "dependsOn", name, field)


def _after(draft: Draft, entry: str, *, requires: bool) -> None:
    draft.unit += [("After", entry), ("Requires" if requires else "Wants", entry)]


def _after_app(draft: Draft, other: Draft, dependency: Mapping[str, Any]) -> None:
    condition = dependency.get("condition", "Ready")
    _after(draft, other.entry, requires=condition == "Completed")
    if condition == "Ready" and not _notifies(other):
        note = f"waits until {other.name} is started, which is before it is ready (see its probes)"
        draft.note(Fate.DIFFERS, note, "dependsOn", other.name)
    if condition == "Completed":
        _note_failure(draft, other.name)


def _after_job(draft: Draft, other: Draft, dependency: Mapping[str, Any]) -> None:
    """Of a Job, Ready means that it has succeeded, too."""
    if other.by_clock:  # to pull it would be to run it now
        draft.unit.append(("After", other.entry))
        note = f"does not wait for a run of {other.name}, which its timer starts"
        draft.note(Fate.LOST, note, "dependsOn", other.name)
        return
    succeeded = dependency.get("condition", "Ready") != "Started"
    _after(draft, other.entry, requires=succeeded)
    if succeeded:
        _note_failure(draft, other.name)
    else:
        note = f"waits until {other.name} has ended"
        draft.note(Fate.DIFFERS, note, "dependsOn", other.name)


def _note_failure(draft: Draft, name: str) -> None:
    note = f"where {name} fails this is not started, also when {name} is retried"
    draft.note(Fate.DIFFERS, note, "dependsOn", name)


def _notifies(draft: Draft) -> bool:
    return any(draft.peek(f"{role}Probe", "notify") for role in ("startup", "readiness"))
