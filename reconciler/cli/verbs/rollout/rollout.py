"""`recon rollout status|pause|resume`: kubectl's verbs, conditions and wording.

Where kubectl says deployment and replicas, these say app and instances.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

from reconciler.api.errors import ApiError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import ERROR, OK, CliError
from reconciler.cli.framework.options import Manifests, StateDir, Where, seconds, where
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere
from reconciler.render.formats import local
from reconciler.render.terminal import folded, plain

Names = Annotated[list[str], Argument(metavar="APP", show_default=False)]

# Seconds between two looks.
_EVERY = 0.2


def rollout() -> None:
    """Look at rollouts, hold them, and go back: as `kubectl rollout`.

    A rollout is what follows an edit that replaces processes.
    """


def status(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    watch: Annotated[
        bool, Option("--watch/--no-watch", "-w", help="Watch until it is done.")
    ] = True,
    timeout: Annotated[
        str,
        Option("--timeout", metavar="DURATION", help="Stop watching after this; 0: never."),
    ] = "0",
    target: TargetOption = None,
) -> int:
    """Show how far a rollout is, and wait until it is done.

    Exits with 0 when it is done, with 1 when it was given up. --no-watch shows the progress
    and exits with 0.
    """
    limit = seconds("--timeout", timeout)
    place = where(manifests, state_dir)
    there, code = elsewhere(place, target), OK
    for name in apps:
        code = _follow(place, name, watch, limit, there) or code
    return code


def pause(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    target: TargetOption = None,
) -> int:
    """Hold rollouts: recon starts and stops nothing for them until they are resumed.

    Instances that crash come back at their revision, and scaling works.
    """
    place = where(manifests, state_dir)
    if there := elsewhere(place, target):
        return _hold(there, apps, paused=True)
    return _request(place, apps, "pause")


def resume(
    apps: Names,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    target: TargetOption = None,
) -> int:
    """Continue paused rollouts, and those that wait for a canary."""
    place = where(manifests, state_dir)
    if there := elsewhere(place, target):
        return _hold(there, apps, paused=False)
    return _request(place, apps, "unpause")


def progress_of(app: Mapping[str, Any]) -> tuple[str, bool]:
    """kubectl's sentence for how far a rollout is, and whether it is done.

    Source of the conditions: kubectl, ``rollout_status.go``. CliError where it was given up.
    """
    name = app["name"]
    conditions = {condition["type"]: condition for condition in app["conditions"]}
    progressing = conditions.get("Progressing", {})
    if progressing.get("status") == "False":
        late = progressing["reason"] == "ProgressDeadlineExceeded"
        why = "exceeded its progress deadline" if late else progressing["message"]
        raise CliError(f'app "{name}" {why}' if late else f'app "{name}": {why}')
    states = [row["state"] for row in app["instances"]]
    completed = states.count("completed")
    updated = app["updated"] + completed
    old = len(states) - sum(row["pid"] is None for row in app["instances"]) - app["updated"]
    # Those that can serve are counted over all revisions, as a Deployment's status does.
    available = app["available"] + completed
    start = f'Waiting for app "{name}" rollout to finish:'
    if progressing.get("reason") == "CanaryPauseStep":
        return f"{start} {progressing['message']}...", False
    if updated < app["desired"]:
        message = f"{updated} out of {app['desired']} new instances have been updated"
        return f"{start} {message}...", False
    if old > 0:
        return f"{start} {old} old instances are pending termination...", False
    if available < updated:
        return f"{start} {available} of {updated} updated instances are available...", False
    return f'app "{name}" successfully rolled out', True


def _hold(target: str, apps: list[str], *, paused: bool) -> int:
    from reconciler.cli.verbs.elsewhere import rollout as beyond  # noqa: PLC0415  heavy

    return beyond.pause(target, apps, paused=paused)


def _document(place: Where, target: str | None) -> dict[str, Any]:
    """The status document, of this host or of an engine."""
    if target is None:
        return controller.status(place)
    from reconciler.cli.verbs.elsewhere.status import status  # noqa: PLC0415  heavy

    return status(place, target)


def _follow(place: Where, name: str, watch: bool, limit: float, target: str | None) -> int:
    began, shown = time.monotonic(), ""
    while True:
        document = _document(place, target)
        found = next((app for app in document["apps"] if app["name"] == name), None)
        if found is None:
            raise CliError(controller.unknown_app(name, [app["name"] for app in document["apps"]]))
        try:
            sentence, done = progress_of(found)
        except CliError as error:
            print(f"error: {error}", file=sys.stderr)
            print(folded(plain(local(found["message"])), sys.stderr), file=sys.stderr)
            return ERROR
        for line in (sentence, _pause_of(found)):
            if line and line not in shown:
                print(folded(plain(line)), flush=True)
        shown = f"{sentence}\n{_pause_of(found)}"
        if done or not watch:
            return OK
        if not document["controller"]["running"]:
            why = f"no controller is running on {place.paths.root}, so it does not continue"
            raise CliError(f"{why}; `recon apply` starts one")
        if limit and time.monotonic() - began > limit:
            print("error: timed out waiting for the condition", file=sys.stderr)
            return ERROR
        time.sleep(_EVERY)


def _pause_of(app: Mapping[str, Any]) -> str:
    paused = any(condition["reason"] == "DeploymentPaused" for condition in app["conditions"])
    return f"rollout paused; `recon rollout resume {app['name']}` goes on" if paused else ""


def _request(place: Where, apps: list[str], action: str) -> int:
    """Send the request for each app; a refusal is printed, and the others are still sent."""
    client, code = controller.client_of(place), OK
    for name in apps:
        try:
            print(client.act(action, name)["message"])
        except ControllerNotRunningError:
            message = f"no controller is running on {place.paths.root}, so no rollout is under way"
            raise CliError(f"{message}; `recon apply` starts one") from None
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            print(f"error: {error}", file=sys.stderr)
            code = ERROR
    return code
