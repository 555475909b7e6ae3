"""`recon events`: the timeline, from the controller or from the journal it left."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import (
    Apps,
    Manifests,
    Selector,
    StateDir,
    TextOrJson,
    Where,
    moment,
    one_of,
    where,
    whole_number,
)
from reconciler.model.state.reason import EventReason
from reconciler.model.words.closest import closest
from reconciler.render.events import EventLines, details
from reconciler.render.terminal import colours, room
from reconciler.state.event_filter import EventFilter


def events(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    selector: Selector = None,
    follow: Annotated[bool, Option("--follow", "-f", help="Keep printing new events.")] = False,
    limit: Annotated[str, Option("--limit", metavar="N", help="How many past events.")] = "50",
    reason: Annotated[
        list[str] | None,
        Option("--reason", metavar="REASON", help="Only with this reason (repeatable)."),
    ] = None,
    type: Annotated[
        str | None, Option("--type", metavar="Normal|Warning", help="Only of this type.")
    ] = None,
    since: Annotated[
        str | None,
        Option("--since", metavar="WHEN", help="Not older: 10m, 14:30, 2026-11-24T14:30."),
    ] = None,
    audit: Annotated[
        bool, Option("--audit", help="Only changes that a person asked for, and who it was.")
    ] = False,
    output: TextOrJson = "text",
) -> int:
    """Show what happened, as a timeline.

    Starts, exits, crashes, waits, failing probes and the like. With -f it continues when the
    controller is replaced. JSON is one object a line.
    """
    one_of("--output", output, ("text", "json"))
    number = whole_number("--limit", limit)
    place = where(manifests, state_dir)
    wanted = EventFilter(
        tuple(sorted(_names(place, apps, selector))),
        tuple(map(_reason, reason or ())),
        _type(type),
        moment("--since", since) if since is not None else None,
        audit,
    )
    columns = room()
    lines = EventLines(colour=colours(), columns=columns)
    for event in _events(place, wanted, number, follow):
        if output == "json":
            print(json.dumps(event), flush=follow)
        else:
            print("\n".join([*lines.folded(event), *details(event, columns=columns)]), flush=follow)
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


def _reason(text: str) -> str:
    """A reason in the way it is written, however it was typed."""
    known = {one.lower(): one.value for one in EventReason}
    if text.lower() in known:
        return known[text.lower()]
    near = closest(text.lower(), known)
    hint = f"did you mean {known[near]}?" if near else "docs/events.md lists them"
    raise usage(f"--reason {text!r} is not a reason of an event; {hint}")


def _type(text: str | None) -> Any:
    return one_of("--type", text.capitalize(), ("Normal", "Warning")) if text else None


def _events(
    place: Where, wanted: EventFilter, limit: int, follow: bool
) -> Iterator[dict[str, Any]]:
    client = controller.client_of(place)
    query: dict[str, Any] = {
        "apps": wanted.apps,
        "reasons": wanted.reasons,
        "type": wanted.type,
        "since": f"{wanted.since:.3f}" if wanted.since is not None else None,
        "audit": "1" if wanted.audit else None,
    }
    try:
        if follow:
            from reconciler.api.following import followed  # noqa: PLC0415  only here

            yield from followed(client, _say_that_it_left, limit, **query)
        yield from client.events(limit=limit, **query)
    except ControllerNotRunningError:
        if follow:
            raise CliError(
                f"no controller is running on {place.paths.root}, so there are no new "
                "events; without -f past events are shown"
            ) from None
        from reconciler.api.documents.event import event_document  # noqa: PLC0415  heavy
        from reconciler.cli.framework import offline  # noqa: PLC0415  heavy

        yield from map(event_document, offline.events(place, wanted, limit))


def _say_that_it_left() -> None:
    message = "the controller has ended; waiting for the next one"
    print(f"recon: {message} (Ctrl-C to stop)", file=sys.stderr, flush=True)
