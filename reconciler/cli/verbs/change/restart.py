"""`recon restart`: replace the processes of an app, as an edit of its manifest would."""

from __future__ import annotations

from typing import Annotated

from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import Apps, Manifests, Selector, StateDir, where
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere


def restart(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    selector: Selector = None,
    everything: Annotated[bool, Option("--all", help="All apps.")] = False,
    target: TargetOption = None,
) -> int:
    """Replace processes by new ones.

    The strategy of each app says in which order. A revision that was given up is tried again.
    """
    if not apps and not selector and not everything:
        raise usage("name the apps to restart, or say --all")
    if apps and everything:
        raise usage("either name apps or say --all")
    place = where(manifests, state_dir)
    if there := elsewhere(place, target):
        if selector:
            raise usage("--target takes names or --all, and no labels")
        from reconciler.cli.verbs.elsewhere import rollout as beyond  # noqa: PLC0415  heavy

        return beyond.restart(place, there, apps or ())
    client = controller.client_of(place)
    try:
        rows = {app["name"]: app for app in client.status()["apps"]}
        chosen = controller.names(place, set(rows), apps, selector)
        selected = sorted(set(rows) if chosen is None else chosen)
        if not apps:  # a Job is run, and not restarted: it is left out where it was not named
            selected = [name for name in selected if rows[name]["kind"] != "Job"]
        if not selected:
            raise CliError("no app is selected, so none is restarted")
        if len(selected) > 1:  # all or none
            for name in selected:
                client.act("restart", name, dry_run=True)
        for name in selected:
            print(client.act("restart", name)["message"])
    except ControllerNotRunningError:
        message = f"no controller is running on {place.paths.root}, so nothing can be restarted"
        raise CliError(f"{message}; `recon apply` starts one") from None
    print("`recon status --watch` shows the progress")
    return OK
