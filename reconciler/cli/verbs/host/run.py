"""`recon run` and `recon down`: the controller in the foreground, and the end of everything.

`run` becomes the controller (exec): nothing of the command line stays in its memory.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import Annotated, NoReturn

from reconciler.api.client import Client
from reconciler.api.errors import ClientError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK, CliError
from reconciler.cli.framework.options import (
    ApiGroup,
    Manifests,
    Profile,
    StateDir,
    Where,
    seconds,
    where,
)
from reconciler.render.formats import count, duration
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError
from reconciler.system.work.look import patiently

# Seconds between two looks at what still runs.
_EVERY = 0.1


def command(place: Where, *more: str) -> list[str]:
    """The command line of a controller."""
    # -P: import recon's code, never a module in the working directory.
    words = [sys.executable, "-P", "-m", "reconciler.api"]
    words += ["--manifests", str(place.manifests), "--state-dir", str(place.paths.root)]
    if place.profile:
        words += ["--profile", place.profile]
    return [*words, *more]


def run(
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    api_group: ApiGroup = None,
    *,
    confirm_load: Annotated[
        bool,
        Option("--confirm-load", help="Confirm all instances declared now."),
    ] = False,
) -> NoReturn:
    """Run the controller in the foreground.

    Ctrl-C stops everything gracefully; SIGTERM leaves the apps running, for the next
    controller to take over.
    """
    place = where(manifests, state_dir, profile, new=True)
    # Perhaps it is not mounted yet: running apps are kept.
    message = (
        f"{place.manifests} is not a directory yet; recon waits for it (`recon init` makes one)"
    )
    try:
        is_there = patiently(partial(door.is_folder, place.manifests))
    except UnansweredError as error:
        is_there, message = False, str(error.strerror)
    if not is_there:
        print(f"recon: {message}", file=sys.stderr, flush=True)
    more = ["--api-group", api_group] if api_group else []
    more += ["--confirm-load"] if confirm_load else []
    _become(command(place, *more))


def down(
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    timeout: Annotated[
        str, Option("--timeout", metavar="DURATION", help="Stop waiting after this time.")
    ] = "10m",
) -> int:
    """Stop everything, and the controller too.

    The manifests stay as they are, and `recon apply` brings everything up again.
    """
    limit = seconds("--timeout", timeout)
    place = where(manifests, state_dir)
    client = controller.client_of(place)
    try:
        client.down()
    except ControllerNotRunningError:
        if not place.paths.root.is_dir():
            print(f"nothing runs: there is no state directory {place.paths.root}")
            return OK
        # One that is started only to stop what an earlier one left behind.
        sys.stdout.flush()
        _become(command(place, "--down"))
    _wait(client, limit)
    print("all apps are stopped")
    return OK


def _wait(client: Client, limit: float) -> None:
    """Until the controller has left; says what is waited for whenever that changes."""
    deadline = time.monotonic() + limit
    before = -1
    while time.monotonic() < deadline:
        try:
            apps = client.status()["apps"]
        except ClientError:
            if not _answers(client):
                return
            continue
        left = sum(row["pid"] is not None for app in apps for row in app["instances"])
        if left and left != before:
            print(f"stopping {count(left, 'instance')}", flush=True)
        before = left
        time.sleep(_EVERY)
    if before == 0:
        raise CliError(
            f"all apps are stopped, but the controller still runs after {duration(limit)}"
        )
    left_over = f"after {duration(limit)} {count(before, 'instance')} still run"
    raise CliError(f"{left_over}; recon keeps stopping them (`recon status` shows which)")


def _answers(client: Client) -> bool:
    try:
        client.version()
    except ClientError:
        return False
    return True


def _become(words: list[str]) -> NoReturn:
    os.execv(words[0], words)
