"""`recon restart`: replace the processes of an app, as an edit of its manifest would."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import Apps, Manifests, Selector, StateDir, where


def restart(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    selector: Selector = None,
    everything: Annotated[bool, typer.Option("--all", help="All apps.")] = False,
) -> int:
    """Replace processes by new ones.

    The strategy of each app says in which order. A revision that was given up is tried again.
    """
    if not apps and not selector and not everything:
        raise usage("name the apps to restart, or say --all")
    if apps and everything:
        raise usage("either name apps or say --all")
    place = where(manifests, state_dir)
    client = controller.client_of(place)
    try:
        rows = {app["name"]: app for app in client.status()["apps"]}
        chosen = controller.names(place, set(rows), apps, selector)
        selected = sorted(rows if chosen is None else chosen)
        if not selected:
            raise CliError("no app is selected, so none is restarted")
        done = client.restart(selected)
    except ControllerNotRunningError:
        message = f"no controller is running on {place.paths.root}, so nothing can be restarted"
        raise CliError(f"{message}; `recon apply` starts one") from None
    for name in done:
        suspended = rows[name]["health"] == "Suspended"
        print(f"{name}: {'suspended, nothing to restart' if suspended else 'restarting'}")
    print("`recon status --watch` shows the progress")
    return OK
