"""`recon notify`: how notifications go, and a test message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from reconciler.api.errors import ControllerLeftError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Argument
from reconciler.cli.framework.errors import ERROR, OK, usage
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    StateDir,
    TableOrJson,
    Where,
    one_of,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.render.notices import notices_table, result_lines
from reconciler.render.terminal import colours, room

_TEST = "test"


def notify(
    words: Annotated[
        list[str] | None,
        Argument(metavar="test [TARGET]", help="", show_default=False),
    ] = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    output: TableOrJson = "table",
) -> int:
    """Show how notifications go; with the word test, send a test message now.

    Targets are declared in recon.yaml, below spec.notify. A test goes to all of them, or to those
    that are named; the exit code is 1 where one fails. Without a controller the test is sent from
    here.
    """
    one_of("--output", output, ("table", "json"))
    place = where(manifests, state_dir, profile)
    if not words:
        document = _overview(place)
        if output == "json":
            print_json(document)
        else:
            print("\n".join(notices_table(document, columns=room(), colour=colours())))
        return OK
    if words[0] != _TEST:
        raise usage(f"{words[0]!r} is not known here; write `recon notify`, or `recon notify test`")
    results = _tested(place, words[1:])
    if output == "json":
        print_json({"formatVersion": 1, "results": results})
    else:
        print("\n".join(result_lines(results, colour=colours())))
    return ERROR if any(one["error"] for one in results) else OK


def _overview(place: Where) -> dict[str, Any]:
    try:
        return controller.client_of(place).notifications()
    except (ControllerNotRunningError, ControllerLeftError):
        from reconciler.cli.framework import notices  # noqa: PLC0415  heavy, and seldom needed

        return notices.overview(place)


def _tested(place: Where, names: Iterable[str]) -> list[dict[str, Any]]:
    names = [*names]
    try:
        return controller.client_of(place).test_notifications(names)
    except (ControllerNotRunningError, ControllerLeftError):
        from reconciler.cli.framework import notices  # noqa: PLC0415  heavy, and seldom needed

        return notices.tested(place, names)
