"""Edits of manifests: left to the controller that runs on them, else made here.

The controller knows then which user has edited what. Where it may not write the file, or this user
may not ask it, the edit is this user's own, as with an editor.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ClientError, ControllerLeftError
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.render.formats import local
from reconciler.render.formats import place as seen
from reconciler.render.terminal import colours, paint, plain

if TYPE_CHECKING:
    from reconciler.desired.edits.edit import Edit
    from reconciler.desired.edits.order import Change
    from reconciler.model.state.desired import Desired

_NOT_ITS_OWN = (403, 507)
"""HTTP statuses: this user may not ask for it; the controller cannot write the file."""


def about(place: Where) -> dict[str, Any]:
    """What the controller of these manifests says of itself; empty where none runs on them."""
    try:
        document = controller.client_of(place).version()
    except ClientError:
        return {}
    same = os.path.realpath(document["manifests"]) == os.path.realpath(place.manifests)
    return document if same else {}


def editor(place: Where) -> Client | None:
    """The controller that edits these manifests; None where this process has to."""
    document = about(place)
    if not document or place.profile not in (None, document["profile"]):
        return None
    return controller.client_of(place)


def requested(client: Client, action: str, name: str, **parameters: Any) -> dict[str, Any] | None:
    """The controller's answer; None where the edit has to be made here. CliError where it cannot
    be made at all."""
    try:
        return client.act(action, name, **parameters)
    except ControllerLeftError:
        raise
    except ApiError as error:
        if error.status in _NOT_ITS_OWN:
            return None
        raise CliError(local(str(error))) from None
    except ClientError:
        return None


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


def made(change: Change, *, dry_run: bool = False) -> Edit:
    """The edit of a file, made here. CliError."""
    from reconciler.desired.edits.carry_out import (  # noqa: PLC0415  heavy; not for --help
        UnwritableError,
        carry_out,
    )
    from reconciler.desired.text.edit import EditError  # noqa: PLC0415
    from reconciler.desired.text.undo import UndoError  # noqa: PLC0415

    try:
        return carry_out(change, dry_run=dry_run)
    except (EditError, UndoError) as error:
        message = f"{seen(change.file)}: {local(str(error))}"
        raise CliError(f"{message}; nothing was written") from None
    except UnwritableError as error:
        raise CliError(f"{seen(change.file)} {error}; nothing was written") from None


def show(file: str, hunks: Iterable[str]) -> None:
    """Print an edit as a small diff."""
    print(seen(file))
    marks = {"+": "green", "-": "red", "@": "cyan"}
    for line in hunks:
        print("  " + paint(plain(line), marks.get(line[:1], ""), on=colours()))


def show_answer(answer: dict[str, Any]) -> None:
    """Print the edits of an answer of the controller."""
    for edit in answer["edits"]:
        show(edit["file"], edit["diff"].splitlines()[2:])


def reload(place: Where) -> None:
    """Make the controller of these manifests read an edit now, if this user may."""
    if about(place):
        with contextlib.suppress(ClientError):
            controller.client_of(place).apply()


def print_next_steps(place: Where) -> None:
    try:
        document = controller.client_of(place).version()
    except ClientError:
        print("no controller is running; `recon apply` starts one, which applies it")
        return
    if os.path.realpath(document["manifests"]) == os.path.realpath(place.manifests):
        print("the controller applies it; `recon status --watch` shows the progress")
    else:
        print(f"the controller serves {document['manifests']}, so this edit has no effect")
