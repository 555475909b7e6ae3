"""`recon scale`, `suspend`, `resume`: edits of the manifest, shown as they are made.

The file is the desired state, so the file is what changes: byte for byte the same but for the
one value. A running controller sees the edit as any other.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.api.errors import ClientError
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    StateDir,
    Where,
    where,
    whole_number,
)
from reconciler.render.formats import local
from reconciler.render.formats import place as seen
from reconciler.render.terminal import colours, paint, plain

if TYPE_CHECKING:
    from reconciler.model.state.desired import Desired, Workload

_BY_CORES = ("max", "max-1")
Names = Annotated[list[str], typer.Argument(metavar="APP", show_default=False)]


def scale(
    counts: Annotated[list[str], typer.Argument(metavar="APP=N", show_default=False)],
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
    return _edit(where(manifests, state_dir, profile), "instances", numbers)


def suspend(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Stop apps, by an edit of their manifests."""
    return _edit(where(manifests, state_dir, profile), "suspend", dict.fromkeys(apps, True))


def resume(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Start suspended apps again, by an edit of their manifests."""
    return _edit(where(manifests, state_dir, profile), "suspend", dict.fromkeys(apps, False))


def _edit(place: Where, field: str, values: Mapping[str, Any]) -> int:
    """Set a field of each app's spec to its value, and show what that changed."""
    from reconciler.model.state.desired import DesiredJob  # noqa: PLC0415  heavy; not for --help

    desired = declared(place, values)
    if field == "instances":
        for name in values:
            if isinstance(desired.apps[name], DesiredJob):
                raise CliError(f"{name} is a Job, which is one process at a time")
    profile = place.profile or desired.settings.profile
    changed = [_set(desired.apps[name], profile, field, value) for name, value in values.items()]
    if any(changed):
        print_next_steps(place)
        _print_withheld(place, values)
    return OK


def _print_withheld(place: Where, names: Iterable[str]) -> None:
    """Say at once which of these apps have more instances now than this host has room for."""
    from reconciler.cli.framework.offline import rises_that_wait, scan  # noqa: PLC0415  heavy

    waits = rises_that_wait(place, scan(place))
    for name in names:
        if name in waits:
            print(f"{name}: {waits[name]}")


def declared(place: Where, names: Iterable[str]) -> Desired:
    """The declared apps. CliError where one of these apps is not in it, or in error."""
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy; not for --help

    desired = scan(place)
    for name in names:
        if name not in desired.apps:
            wrong = [local(str(problem)) for problem in desired.problems]
            if wrong:
                message = f"no valid manifest declares {name}; fix these first:"
                raise CliError("\n".join([message, *wrong]))
            raise CliError(controller.unknown_app(name, desired.apps))
        problem = desired.apps[name].problem
        if problem is not None:
            raise CliError(f"{local(str(problem))}; fix that first")
    return desired


def _set(app: Workload, profile: str | None, field: str, value: Any) -> bool:
    """Edit one app's file; return whether that changed it."""
    from reconciler.desired.text.edit import EditError, set_field  # noqa: PLC0415  heavy
    from reconciler.model.state.desired import DesiredApp  # noqa: PLC0415  heavy

    by_cores = app.by_cores if isinstance(app, DesiredApp) else ""
    written = by_cores if field == "instances" else ""
    if (written or getattr(app.spec, field)) == value:
        print(f"{app.name}: {field} is {str(value).lower()} already")
        return False
    file = Path(app.source.file)
    before = file.read_bytes()
    try:
        after = set_field(before, app.name, _path(app, profile, field), value)
    except EditError as error:
        raise CliError(f"{seen(str(file))}: {error}") from None
    replace_content(file, after)
    show(file, before, after)
    return True


def _path(app: Workload, profile: str | None, field: str) -> tuple[str, ...]:
    """Where the field is to be set: in the profile that is in force, where that sets it."""
    from reconciler.desired.text.locate import place_of  # noqa: PLC0415  heavy

    own = place_of(app.source.file, app.name, field)
    if profile and place_of(app.source.file, app.name, field, profile) != own:
        return ("spec", "profiles", profile, field)
    return ("spec", field)


def replace_content(file: Path, content: bytes) -> None:
    """Put ``content`` in the place of the file's, at once, with its mode and owner kept."""
    target = Path(os.path.realpath(file))  # a link stays a link
    status = target.stat()
    fresh = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            os.fchmod(written.fileno(), status.st_mode & 0o7777)
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(written.fileno(), status.st_uid, status.st_gid)
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        fresh.rename(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def show(file: Path, before: bytes, after: bytes, context: int = 1) -> None:
    """The edit as a small diff, with so many lines around each change."""
    old, new = (text.decode(errors="replace").splitlines() for text in (before, after))
    print(seen(str(file)))
    marks = {"+": "green", "-": "red", "@": "cyan"}
    for line in [*difflib.unified_diff(old, new, lineterm="", n=context)][2:]:
        print("  " + paint(plain(line), marks.get(line[:1], ""), on=colours()))


def print_next_steps(place: Where) -> None:
    try:
        about = controller.client_of(place).version()
    except ClientError:
        print("no controller is running; `recon apply` starts one, which applies it")
        return
    if os.path.realpath(about["manifests"]) == os.path.realpath(place.manifests):
        print("the controller applies it; `recon status --watch` shows the progress")
    else:
        print(f"the controller serves {about['manifests']}, so this edit has no effect")
