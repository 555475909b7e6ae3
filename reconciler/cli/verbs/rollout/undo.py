"""`recon rollout undo`: an earlier revision's template, written back into the manifest.

As with kubectl only the template goes back; `instances`, probes and all else that is applied in
place stay as they are. The edit is shown, and a running controller carries it out.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from reconciler.api.client import Client
from reconciler.cli.framework import editing
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.offline import facts_of
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    StateDir,
    Where,
    where,
    whole_number,
)
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere
from reconciler.cli.verbs.rollout.history import remembered
from reconciler.desired.edits.undo import UndoChange, plan_undo
from reconciler.desired.text.undo import UndoError
from reconciler.desired.watched.content import as_found
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.revision import Revision
from reconciler.render.formats import place as seen
from reconciler.state.own_files import own_files_in


def undo(
    apps: Annotated[list[str], Argument(metavar="APP", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    to_revision: Annotated[
        str | None,
        Option("--to-revision", metavar="N", help="To this one; 0: the last good one."),
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the edit, write nothing.")] = False,
    target: TargetOption = None,
) -> int:
    """Go back to an earlier revision, by an edit of the manifest.

    Without --to-revision it is the last earlier one that was fully rolled out. Only fields whose
    change replaces processes go back, and nothing else in the file changes.
    """
    number = 0 if to_revision is None else whole_number("--to-revision", to_revision)
    if len(apps) > 1 and number:
        raise usage("one app at a time, with --to-revision")
    place = where(manifests, state_dir, profile)
    if there := elsewhere(place, target):
        if dry_run:
            raise usage("--dry-run shows the edit of a manifest, and --target edits none")
        from reconciler.cli.verbs.elsewhere import rollout as beyond  # noqa: PLC0415  heavy

        return beyond.undo(place, there, apps, number)
    client = editing.editor(place)
    wrote = [
        _requested(client, name, number, dry_run) if client is not None else None for name in apps
    ]
    if None in wrote:
        left = [name for name, was_written in zip(apps, wrote, strict=True) if was_written is None]
        wrote += _undo_here(place, left, number, dry_run)
    if any(wrote):
        editing.print_next_steps(place)
    return OK


def _requested(client: Client, name: str, number: int, dry_run: bool) -> bool | None:
    """One app, by the controller: whether the file was written; None: it has to be done here."""
    answer = editing.requested(client, "undo", name, dry_run=dry_run, revision=number)
    if answer is None:
        return None
    for warning in answer["warnings"]:
        print(f"warning: {warning}")
    editing.show_answer(answer)
    for note in answer["notes"]:
        print(f"note: {note}")
    print(answer["message"])
    return bool(answer["done"])


def _undo_here(place: Where, names: list[str], number: int, dry_run: bool) -> list[bool]:
    """The same without the controller."""
    place = Where(
        place.manifests, place.paths, place.profile or editing.about(place).get("profile")
    )
    desired = editing.declared(place, names)
    return [_undo(place, desired, name, number, dry_run) for name in names]


def _undo(place: Where, desired: Desired, name: str, number: int, dry_run: bool) -> bool:
    """One app; whether its file was written."""
    memory = remembered(place, name)
    content = memory.revisions[-1].spec.get("watched", {})
    own = own_files_in(place.paths.root, desired.apps.values())
    app = as_found(desired.apps[name], content, own)
    try:
        undo = plan_undo(app, memory, number, partial(_change, place, desired))
    except UndoError as error:
        raise CliError(f"{seen(app.source.file)}: {error}; nothing was written") from None
    for warning in undo.warnings:
        print(f"warning: {warning}")
    if undo.change is None:
        message = f"current template already matches revision {undo.revision.number}"
        print(f"app/{name} skipped rollback ({message})")
        return False
    edit = editing.made(undo.change, dry_run=dry_run)
    editing.show(edit.file, edit.hunks())
    for note in undo.notes:
        print(f"note: {note}")
    message = f"app/{name} rolled back to revision {undo.revision.number}"
    print(f"{message} (dry run)" if dry_run else message)
    if not dry_run:
        editing.reload(place)
    return not dry_run


def _change(place: Where, desired: Desired, app: Workload, revision: Revision) -> UndoChange:
    profile, cores = place.profile, facts_of(place).cores
    return UndoChange.of(
        app, revision, desired.settings, place.manifests, profile=profile, cores=cores
    )
