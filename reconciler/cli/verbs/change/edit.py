"""`recon scale`, `suspend`, `resume`: edits of the manifest, shown as they are made.

The file is the desired state, so the file is what changes: byte for byte the same but for the one
value. A controller that runs on these manifests makes the edit and records which user asked for it
(``framework.editing``); without one the edit is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from reconciler.cli.framework import editing
from reconciler.cli.framework.declaration import Argument
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    StateDir,
    Where,
    where,
    whole_number,
)

if TYPE_CHECKING:
    from reconciler.desired.edits.field import Field
    from reconciler.model.state.desired import Workload

_BY_CORES = ("max", "max-1")
Names = Annotated[list[str], Argument(metavar="APP", show_default=False)]


def scale(
    counts: Annotated[list[str], Argument(metavar="APP=N", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Set how many instances an app has, in its manifest.

    N is a number, max (as many as there are cores) or max-1.
    """
    numbers: dict[str, int | str] = {}
    for text in counts:
        name, equals, number = text.partition("=")
        if not name or not equals:
            raise usage(f"{text!r}: write APP=N, e.g. backend=3")
        numbers[name] = number if number in _BY_CORES else whole_number(f"{name}=", number)
    return _edit(where(manifests, state_dir, profile), "scale", "instances", numbers)


def suspend(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Stop apps, by an edit of their manifests."""
    place = where(manifests, state_dir, profile)
    return _edit(place, "suspend", "suspend", dict.fromkeys(apps, True))


def resume(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Start suspended apps again, by an edit of their manifests."""
    place = where(manifests, state_dir, profile)
    return _edit(place, "resume", "suspend", dict.fromkeys(apps, False))


def _edit(place: Where, action: str, field: Field, values: Mapping[str, int | str | bool]) -> int:
    """Set a field of each app's spec to its value, and show what that changed."""
    client = editing.editor(place)
    left: Mapping[str, int | str | bool] = values
    if client is not None:
        parameters = {
            name: {"instances": value} if action == "scale" else {}
            for name, value in values.items()
        }
        if len(values) > 1:  # all or none
            for name in values:
                editing.requested(client, action, name, dry_run=True, **parameters[name])
        answers = {n: editing.requested(client, action, n, **parameters[n]) for n in values}
        for answer in answers.values():
            if answer is not None:
                editing.show_answer(answer)
                if not answer["edits"]:
                    print(answer["message"])
        left = {name: values[name] for name, answer in answers.items() if answer is None}
        changed = any(answer is not None and answer["done"] for answer in answers.values())
    else:
        changed = False
    if left:
        changed = _edit_here(place, field, left) or changed
    if changed:
        editing.print_next_steps(place)
        _print_withheld(place, values)
    return OK


def _edit_here(place: Where, field: Field, values: Mapping[str, int | str | bool]) -> bool:
    """Set it without the controller; whether that changed anything."""
    from reconciler.model.state.desired import DesiredJob  # noqa: PLC0415  heavy; not for --help

    desired = editing.declared(place, values)
    if field == "instances":
        for name in values:
            if isinstance(desired.apps[name], DesiredJob):
                raise CliError(f"{name} is a Job, which is one process at a time")
    profile = place.profile or desired.settings.profile
    changed = [_set(desired.apps[name], profile, field, value) for name, value in values.items()]
    return any(changed)


def _print_withheld(place: Where, names: Iterable[str]) -> None:
    """Say at once which of these apps have more instances now than this host has room for."""
    from reconciler.cli.framework.offline import rises_that_wait, scan  # noqa: PLC0415  heavy

    waits = rises_that_wait(place, scan(place))
    for name in names:
        if name in waits:
            print(f"{name}: {waits[name]}")


def _set(app: Workload, profile: str | None, field: Field, value: int | str | bool) -> bool:
    """Edit one app's file; return whether that changed it."""
    from reconciler.desired.edits.field import FieldChange, is_set  # noqa: PLC0415  heavy

    if is_set(app, field, value):
        print(f"{app.name}: {field} is {str(value).lower()} already")
        return False
    edit = editing.made(FieldChange(app.name, app.source.file, field, value, profile))
    editing.show(edit.file, edit.hunks())
    return True
