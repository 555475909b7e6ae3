"""`recon rollout undo`: an earlier revision's template, written back into the manifest.

As with kubectl only the template goes back; `instances`, probes and all else that is applied in
place stay as they are. The edit is shown, and a running controller carries it out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.api.errors import ClientError
from reconciler.cli.framework import controller
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
from reconciler.cli.verbs.change.edit import declared, print_next_steps, replace_content, show
from reconciler.cli.verbs.rollout.history import find, remembered
from reconciler.desired.manifest.manifest import Context
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.desired.text.edit import EditError
from reconciler.desired.text.undo import UndoError, differs, undone
from reconciler.desired.watched.content import as_found
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import Revision, same_revision
from reconciler.render.formats import local
from reconciler.render.formats import place as seen
from reconciler.state.own_files import own_files_in
from reconciler.state.paths import secret_key


def undo(
    apps: Annotated[list[str], typer.Argument(metavar="APP", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    to_revision: Annotated[
        str | None,
        typer.Option("--to-revision", metavar="N", help="To this one; 0: the last good one."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the edit, write nothing.")
    ] = False,
) -> int:
    """Go back to an earlier revision, by an edit of the manifest.

    Without --to-revision it is the last earlier one that was fully rolled out. Only fields whose
    change replaces processes go back, and nothing else in the file changes.
    """
    number = 0 if to_revision is None else whole_number("--to-revision", to_revision)
    if len(apps) > 1 and number:
        raise usage("one app at a time, with --to-revision")
    place = where(manifests, state_dir, profile)
    place = _as_the_controller(place)
    desired = declared(place, apps)
    wrote = [_undo(place, desired, name, number, dry_run) for name in apps]
    if any(wrote):
        print_next_steps(place)
    return OK


def _undo(place: Where, desired: Desired, name: str, number: int, dry_run: bool) -> bool:
    """One app; whether its file was written."""
    memory = remembered(place, name)
    content = memory.revisions[-1].spec.get("watched", {})
    own = own_files_in(place.paths.root, desired.apps.values())
    app = as_found(desired.apps[name], content, own)
    revision = _target(app, memory, number)
    if number and not revision.good:
        print(f"warning: revision {number} {_never_good(memory, revision)}")
    file = Path(app.source.file)
    try:
        if not differs(app, revision):
            _refuse_secrets(app, revision)
            _refuse_content(app, revision)
            message = f"current template already matches revision {revision.number}"
            print(f"app/{name} skipped rollback ({message})")
            return False
        before = file.read_bytes()
        after = undone(before, app, revision, _context(place, desired, app))
    except (EditError, UndoError) as error:
        message = f"{seen(str(file))}: {local(str(error))}"
        raise CliError(f"{message}; nothing was written") from None
    show(file, before, after)
    for secret in _other_secrets(app, revision):
        message = f"{secret} has another value than in revision {revision.number}"
        print(f"note: {message}; recon keeps no secrets, so it stays as it is")
    if dry_run:
        print(f"app/{name} rolled back to revision {revision.number} (dry run)")
        return False
    replace_content(file, after)
    _reload(place)
    print(f"app/{name} rolled back to revision {revision.number}")
    if memory.paused:
        print(f"its rollout is paused, so nothing changes until `recon rollout resume {name}`")
    return True


def _target(app: Workload, memory: AppMemory, number: int) -> Revision:
    """The revision to go back to: the newest before the manifest's that was good once."""
    if number:
        return find(memory, number)
    before = [one for one in memory.revisions if not same_revision(one.hash, app.hash)]
    found = next((one for one in reversed(before) if one.good and not one.failed), None)
    if found is not None:
        return found
    if not before:
        raise CliError(f'no rollout history found for app "{app.name}" before this revision')
    reasons = "; ".join(f"revision {one.number} {_never_good(memory, one)}" for one in before[-2:])
    raise CliError(
        f"app/{app.name} has no earlier revision that was good: {reasons}."
        " `--to-revision N` goes to one anyway"
    )


def _never_good(memory: AppMemory, revision: Revision) -> str:
    """The warning for a revision that was never fully rolled out."""
    known = memory.given_up.get(revision.number)
    failed = revision.failed or (known.message if known is not None else None)
    return f"failed ({failed})" if failed else "never became ready"


def _refuse_secrets(app: Workload, revision: Revision) -> None:
    """Where all that differs is what recon does not keep."""
    changed = _other_secrets(app, revision)
    if changed:
        message = f"only the value of {', '.join(changed)} differs from revision {revision.number}"
        raise UndoError(
            f"{message}, and recon keeps no secrets; restore the earlier value yourself"
        )


def _refuse_content(app: Workload, revision: Revision) -> None:
    then = revision.spec.get("watched", {})
    changed = sorted(path for path, digest in app.spec.watched.items() if then.get(path) != digest)
    if changed:
        message = (
            f"only the content of {', '.join(changed)} differs from revision {revision.number}"
        )
        raise UndoError(f"{message}, and recon keeps no files; restore the earlier files yourself")


def _other_secrets(app: Workload, revision: Revision) -> list[str]:
    """Variables that have a secret value now and had another then (as far as can be told)."""

    def differ(name: str, mark: str) -> bool:
        then = revision.marks.get(name, mark)
        return then != mark and then.partition("-")[0] == mark.partition("-")[0]

    return sorted(name for name, mark in (app.marks or {}).items() if differ(name, mark))


def _context(place: Where, desired: Desired, app: Workload) -> Context:
    """What the controller reads the file in. `fromEnv` is its environment, not this shell's."""
    cores = facts_of(place).cores
    key = secret_key(place.paths)
    around = Surroundings(os.environ, key, environ_is_own=False, cores=cores)
    settings = desired.settings
    is_settings = app.source.file == str(place.manifests / "recon.yaml")
    return Context(around, settings, place.profile or settings.profile, is_settings)


def _as_the_controller(place: Where) -> Where:
    """With the profile that the controller of these manifests was started with."""
    about = _about(place)
    return Where(place.manifests, place.paths, place.profile or about.get("profile"))


def _reload(place: Where) -> None:
    """Make the controller read the edit now, so that `recon rollout status` shows its rollout."""
    if _about(place):
        controller.client_of(place).apply()


def _about(place: Where) -> dict[str, Any]:
    """What the controller says of itself; empty where none serves these manifests."""
    try:
        about = controller.client_of(place).version()
    except ClientError:
        return {}
    same = os.path.realpath(about["manifests"]) == os.path.realpath(place.manifests)
    return about if same else {}
