"""`recon status` and `recon describe`: how things stand."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

from reconciler.api.errors import ApiError, ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import CHANGES, OK, CliError
from reconciler.cli.framework.options import (
    Apps,
    DetailedExitcode,
    Manifests,
    Profile,
    Selector,
    StateDir,
    TextOrJson,
    Where,
    formats,
    one_of,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.elsewhere.target import TargetOption, elsewhere
from reconciler.render.cells import fold
from reconciler.render.notices import trouble_lines
from reconciler.render.status import app_lines, cut_messages, has_drift, status_table
from reconciler.render.terminal import Screen, colours, is_terminal, room

# Seconds between two looks of `--watch`.
_EVERY = 1.0


def status(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    selector: Selector = None,
    output: Annotated[str, formats("table", "wide", "json", "yaml")] = "table",
    watch: Annotated[bool, Option("--watch", "-w", help="Refresh each second.")] = False,
    detailed_exitcode: DetailedExitcode = False,
    target: TargetOption = None,
) -> int:
    """Show how all apps are, or some in detail.

    With names, the instances of these apps are shown too, why an app is not well, and its last
    crash. The format wide shows what each app uses, and cuts nothing. Works with and without a
    controller.
    """
    one_of("--output", output, ("table", "wide", "json", "yaml"))
    place = where(manifests, state_dir, profile)

    there = elsewhere(place, target)

    def look() -> dict[str, Any]:
        document = _there(place, there) if there else controller.status(place, apps or ())
        return controller.chosen(document, place, apps, selector)

    document = look()
    if watch:
        _watch(look, document, output, bool(apps))
    if selector and not document["apps"] and output in ("table", "wide"):
        print(f"No app matches -l {selector}.")
        return OK
    for line in _lines(document, output, bool(apps)):
        print(line)
    if output in ("table", "wide"):
        sys.stdout.flush()
        _print_origin(document, place)
    return CHANGES if detailed_exitcode and has_drift(document) else OK


def describe(
    app: Annotated[str, Argument(metavar="APP", help="Its name.", show_default=False)],
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    output: TextOrJson = "text",
    target: TargetOption = None,
) -> int:
    """Show everything known of one app.

    That is its spec, conditions, revisions, instances and events; secrets are masked.
    Works with and without a controller.
    """
    one_of("--output", output, ("text", "json"))
    place = where(manifests, state_dir, profile)
    there = elsewhere(place, target)
    document = _described_there(place, there, app) if there else _description(place, app)
    if output == "json":
        print_json(document)
        return OK
    from reconciler.render.describe import description  # noqa: PLC0415  not for `status`

    print("\n".join(description(document, columns=room(), colour=colours())))
    return OK


def _there(place: Where, target: str) -> dict[str, Any]:
    """The status document of an engine beyond this host."""
    from reconciler.cli.verbs.elsewhere.status import status  # noqa: PLC0415  heavy

    return status(place, target)


def _described_there(place: Where, target: str, app: str) -> dict[str, Any]:
    from reconciler.cli.verbs.elsewhere.status import describe  # noqa: PLC0415  heavy

    return describe(place, target, app)


def _description(place: Where, app: str) -> dict[str, Any]:
    try:
        return controller.client_of(place).describe(app)
    except ApiError as error:
        if error.status == 404:
            known = [one["name"] for one in controller.status(place)["apps"]]
            raise CliError(controller.unknown_app(app, known)) from None
        raise
    except ControllerNotRunningError:
        from reconciler.cli.framework import offline  # noqa: PLC0415  heavy, and seldom needed

        return offline.describe(place, app)


def _lines(document: dict[str, Any], output: str, detailed: bool) -> list[str]:
    if output == "json":
        return [json.dumps(document, indent=2, ensure_ascii=False)]
    if output == "yaml":
        import yaml  # noqa: PLC0415  only here

        text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        return text.splitlines()
    columns = None if output == "wide" else room()
    lines = status_table(document, columns=columns, colour=colours(), wide=output == "wide")
    lines += _of_journal(document, columns)
    lines += trouble_lines(document, columns)
    if detailed:
        if columns is not None:
            for text in cut_messages(document, lines):
                lines += ["", *fold(text, columns)]
        for one in document["apps"]:
            lines += ["", *app_lines(one, columns=columns, colour=colours())]
    return lines


def _of_journal(document: dict[str, Any], columns: int | None) -> list[str]:
    """What is wrong with the journal, if anything is."""
    journal = document.get("journal", {})  # a controller of release 0.1.0 does not say
    message = journal.get("message", "")
    if not message:
        return []
    text = f"{message[0].upper()}{message[1:]}."
    return ["", *(fold(text, columns) if columns else [text])]


def _watch(look: Any, document: dict[str, Any], output: str, detailed: bool) -> None:
    """Until Ctrl-C: drawn over on a terminal, else printed again whenever it differs."""
    screen = Screen(sys.stdout) if is_terminal() else None
    before: list[str] = []
    while True:
        lines = _lines(document, output, detailed)
        if screen:
            screen.draw(lines)
        elif lines != before:
            print("\n".join([*lines, ""]), flush=True)
        before = lines
        time.sleep(_EVERY)
        document = look()


def _print_origin(document: dict[str, Any], place: Where) -> None:
    if not document["controller"]["running"]:
        message = f"no controller is running on {place.paths.root}; `recon apply` starts one"
        print(f"\n({message})", file=sys.stderr)
