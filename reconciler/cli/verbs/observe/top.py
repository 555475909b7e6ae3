"""`recon top`: what the instances use, again and again."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK
from reconciler.cli.framework.options import (
    Apps,
    Manifests,
    Profile,
    Selector,
    StateDir,
    TableOrJson,
    Where,
    one_of,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.render.terminal import Screen, colours, is_terminal, room
from reconciler.render.usage import SORTS, usage_table

_EVERY = 2.0
_GLANCE = 0.3
"""Seconds between the two samples of processor time, where no controller runs."""
_KEYS = {sort[0]: sort for sort in SORTS}
_HELP = "q quits; sorted by {sort}, c cpu, m memory, l share of the limit, n name"
Look = Callable[[], dict[str, Any]]


def top(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    selector: Selector = None,
    sort: Annotated[
        str, Option("--sort", metavar="|".join(SORTS), help="Column to sort by.")
    ] = "memory",
    once: Annotated[bool, Option("--once", help="Print once and exit.")] = False,
    output: TableOrJson = "table",
) -> int:
    """Show what the instances use, again every two seconds.

    That is processor time, the memory of all processes of an instance, that memory in per cent of
    limits.memory, and the memory since the start. JSON, and output that
    is not a terminal, is printed once. Works with and without a controller.
    """
    one_of("--output", output, ("table", "json"))
    one_of("--sort", sort, SORTS)
    place = where(manifests, state_dir, profile)
    look = _looker(place, apps, selector)
    live = is_terminal() and not once and output == "table"
    if live:
        _watch(look, sort)
    elif output == "json":
        print_json(look())
    else:
        print("\n".join(_lines(look(), sort)))
    return OK


def _looker(place: Where, apps: list[str] | None, selector: str | None) -> Look:
    """Asks the controller each time, or looks by itself as long as none runs."""
    alone: Any = None

    def look() -> dict[str, Any]:
        nonlocal alone
        try:
            document = controller.client_of(place).usage()
        except ControllerNotRunningError:
            from reconciler.cli.framework import offline  # noqa: PLC0415  heavy, and seldom needed

            if alone is None:
                alone = offline.UsageView(place)
                alone.look()
                time.sleep(_GLANCE)
            document = alone.look()
        if not apps and not selector:
            return document
        known = {row["app"] for row in document["instances"]}
        if apps and not known.issuperset(apps):
            known |= {app["name"] for app in controller.status(place)["apps"]}
        selected = controller.names(place, known, apps, selector) or set()
        rows = [row for row in document["instances"] if row["app"] in selected]
        return {**document, "instances": rows}

    return look


def _lines(document: dict[str, Any], sort: str) -> list[str]:
    return usage_table(document, columns=room(), sort=sort, colour=colours())


def _watch(look: Look, sort: str) -> None:
    """Until q or Ctrl-C."""
    screen = Screen(sys.stdout)
    with _keys() as key:
        document = look()
        while True:
            screen.draw([*_lines(document, sort), "", _HELP.format(sort=sort)])
            pressed = key(_EVERY)
            if pressed in ("q", "Q", "\x1b"):
                return
            if pressed in _KEYS:
                sort = _KEYS[pressed]
            else:
                document = look()


@contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, unseen. The given call waits so many seconds; empty: for none."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    import termios  # noqa: PLC0415  only on a terminal
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(sys.stdin)

    def key(seconds: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(sys.stdin)
        yield key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""
