"""Asking the controller, and what to do where none runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.api.client import Client
from reconciler.api.errors import ControllerLeftError, ControllerNotRunningError
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.model.words.closest import closest

if TYPE_CHECKING:
    from collections.abc import Iterable


def client_of(place: Where) -> Client:
    return Client(place.paths.socket, lambda: place.paths.shared_socket)


def status(place: Where, explained: Iterable[str] = ()) -> dict[str, Any]:
    """The status document: the controller's, or as seen from here where none runs.

    ``explained``: the apps of which it also says why they are not well.
    """
    try:
        return client_of(place).status(explained)
    except (ControllerNotRunningError, ControllerLeftError):
        from reconciler.cli.framework import offline  # noqa: PLC0415  heavy, and seldom needed

        return offline.status(place, explained)


def chosen(
    document: dict[str, Any], place: Where, apps: Iterable[str] | None, selector: str | None
) -> dict[str, Any]:
    """The document with only the apps that were named or selected. CliError for unknown names."""
    everyone = document["apps"]
    selected = names(place, {app["name"] for app in everyone}, apps, selector)
    if selected is None:
        return document
    chosen = [app for app in everyone if app["name"] in selected]
    own, others = [], 0
    for error in document["errors"]:
        concerned = set(error.get("apps", ()))
        if concerned and not concerned & selected:
            others += 1
        else:
            own.append(error)
    return {**document, "apps": chosen, "errors": own, "otherErrors": others}


def names(
    place: Where, known: set[str], apps: Iterable[str] | None, selector: str | None
) -> set[str] | None:
    """The apps that were named or selected; None where neither was done, which means all."""
    if not apps and not selector:
        return None
    selected = set(apps or known)
    unknown = sorted(selected - known)
    if unknown:
        raise CliError(unknown_app(unknown[0], known))
    if selector:
        from reconciler.cli.framework.selector import matching  # noqa: PLC0415  reads the manifests

        selected &= matching(place, selector)
    return selected


def unknown_app(name: str, known: Iterable[str]) -> str:
    """A sentence for a name that no app has."""
    close = closest(name, known)
    hint = f"did you mean {close}?" if close else "`recon status` lists them"
    return f"there is no app named {name}; {hint}"
