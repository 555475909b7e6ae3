"""What `recon doctor` says of what runs: crash loops, failed rollouts, never ready, held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from reconciler.cli.framework import controller
from reconciler.cli.framework.options import Where
from reconciler.cli.progress.progress import is_paused
from reconciler.model.state.finding import Finding, ok, problem, warning
from reconciler.render.status import is_settled

_MOST = 50
"""Apps whose causes are looked for."""


def of_running(here: Where, names: Set[str]) -> Iterator[tuple[str, Finding]]:
    """Findings by the name of the app; ``names``: of these only, empty for all."""
    apps = [app for app in controller.status(here)["apps"] if not names or app["name"] in names]
    unsettled = [app["name"] for app in apps if not is_settled(app)]
    if unsettled:
        explained = controller.status(here, unsettled[:_MOST])["apps"]
        apps = [app for app in explained if not names or app["name"] in names]
    for app in apps:
        yield from ((app["name"], finding) for finding in _of_app(app))


def _of_app(app: Mapping[str, Any]) -> Iterator[Finding]:
    name, look = app["name"], f"`recon status {app['name']}` shows more"
    if is_settled(app):
        yield ok("running", f"{app['ready']} of {app['desired']} ready")
    elif app["sync"] == "Unknown" and not app["instances"]:
        return  # its manifest is wrong, which stands above, or it is about to be removed
    elif is_paused(app):
        yield warning("running", app["message"], f"`recon rollout resume {name}`")
    elif app.get("causes"):
        for cause in app["causes"]:
            yield problem("running", f"{cause['message']} ({_state(app)})", cause["remedy"])
    elif app["health"] == "Degraded":
        yield problem("running", app["message"] or _state(app), look)
    elif app["message"]:
        yield warning("running", app["message"], look)


def _state(app: Mapping[str, Any]) -> str:
    return f"{app['health']}, {app['ready']} of {app['desired']} ready"
