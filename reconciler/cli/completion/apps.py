"""The apps to offer: those of the controller if it answers at once, else those declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from reconciler.cli.completion.bounded import found_within
from reconciler.cli.completion.line import Line

_ANSWER = 0.5
"""Seconds for the controller."""
_READ = 0.7
"""Seconds for the manifests: some 1,000 of them."""


class App(NamedTuple):
    """What is known of an app where names are completed."""

    name: str
    kind: str
    about: str
    """Its state in few words, if a controller tells."""
    instances: tuple[str, ...]
    suspended: bool | None
    """None where no controller tells."""


def apps(line: Line) -> list[App]:
    """All apps, by name."""
    rows, whole = found_within(_ANSWER, lambda: _of_controller(line))
    if not whole:
        rows = [_declared(one) for one in declared(line) if one["kind"] in ("App", "Job")]
    found = [App(row[0], row[1], row[2], tuple(row[3]), row[4]) for row in rows]
    return sorted({app.name: app for app in found}.values())


def declared(line: Line) -> list[dict[str, Any]]:
    """The documents of the manifests directory that the line names, or that is the default."""
    root = os.path.expanduser(
        line.last("manifests") or os.environ.get("RECON_MANIFESTS") or "manifests"
    )

    def look() -> Iterator[dict[str, Any]]:
        from reconciler.cli.completion.declared import documents  # noqa: PLC0415  YAML

        chosen = root
        if root == "manifests" and not os.path.isdir(root):
            chosen = str(client(line).version()["manifests"])
        yield from documents(chosen)

    return found_within(_READ, look)[0]


def revisions(line: Line) -> list[dict[str, Any]]:
    """The revisions of the app that the line names."""
    names = line.values.get("apps") or line.values.get("app") or []

    def look() -> Iterator[dict[str, Any]]:
        yield from client(line).describe(names[0])["revisions"]

    return found_within(_ANSWER, look)[0] if len(names) == 1 else []


def client(line: Line) -> Any:
    """Of the controller that the line is about."""
    from reconciler.api.client import Client  # noqa: PLC0415  only where names are asked for
    from reconciler.state.paths import state_paths  # noqa: PLC0415

    given = line.last("state_dir")
    paths = state_paths(os.path.expanduser(given) if given else None)
    return Client(paths.socket, lambda: paths.shared_socket)


def _of_controller(line: Line) -> Iterator[list[Any]]:
    for app in client(line).status()["apps"]:
        about = f"{app['sync']}, {app['health']}, {app['ready']}/{app['desired']}"
        instances = [row["name"] for row in app["instances"]]
        yield [app["name"], app["kind"], about, instances, app["health"] == "Suspended"]


def _declared(document: dict[str, Any]) -> list[Any]:
    return [document["name"], document["kind"], document["kind"], [], None]
