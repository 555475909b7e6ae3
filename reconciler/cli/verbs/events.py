"""`recon events`: the timeline, from the controller or from the journal it left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from reconciler.api.errors import ApiError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import OK, CliError
from reconciler.cli.framework.options import (
    Apps,
    Manifests,
    Output,
    Selector,
    StateDir,
    Where,
    one_of,
    where,
    whole_number,
)
from reconciler.cli.render.describe import EventLines
from reconciler.cli.render.terminal import colours


def events(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    selector: Selector = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new events.")
    ] = False,
    limit: Annotated[
        str, typer.Option("--limit", metavar="N", help="How many past events.")
    ] = "50",
    output: Output = "text",
) -> int:
    """Show what happened, as a timeline.

    Starts, ends, crashes, backoff, failing probes and the like. FORMAT is text, or json
    (one object a line).
    """
    one_of("--output", output, ("text", "json"))
    number = whole_number("--limit", limit)
    place = where(manifests, state_dir)
    selected = tuple(sorted(_names(place, apps, selector)))
    lines = EventLines(colour=colours())
    for event in _events(place, selected, number, follow):
        print(json.dumps(event) if output == "json" else lines.of(event), flush=follow)
    return OK


def _names(place: Where, apps: list[str] | None, selector: str | None) -> set[str]:
    """Names as given: what was removed has events, too."""
    if not selector:
        return set(apps or ())
    from reconciler.cli.framework.selector import matching  # noqa: PLC0415  reads the manifests

    found = matching(place, selector)
    selected = found & set(apps) if apps else found
    if not selected:
        raise CliError(f"no app is selected by --selector {selector}")
    return selected


def _events(
    place: Where, apps: tuple[str, ...], limit: int, follow: bool
) -> Iterator[dict[str, Any]]:
    try:
        yield from controller.client_of(place).events(apps, limit=limit, follow=follow)
    except ControllerNotRunningError:
        if follow:
            raise CliError(
                f"no controller is running on {place.paths.root}, so there are no new "
                "events; without -f past events are shown"
            ) from None
        from reconciler.api.documents.describe import event_document  # noqa: PLC0415  heavy
        from reconciler.cli.framework import offline  # noqa: PLC0415  heavy

        yield from map(event_document, offline.events(place, apps, limit))
    except ApiError as error:
        if not follow or error.status:
            raise
        raise CliError("the controller has ended; its apps keep running") from None
