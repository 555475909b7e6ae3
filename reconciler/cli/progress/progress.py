"""Waiting until everything is ready: live on a terminal, a line a change elsewhere.

Says at once when something cannot become ready, with the last lines that the culprit wrote:
a crash loop, a revision that was given up, a program that cannot be started, a removal that is
held back.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from reconciler.api.client import Client
from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.framework.errors import ERROR, OK, CliError
from reconciler.cli.framework.options import Where
from reconciler.cli.progress.follow_output import Live
from reconciler.logs.read.files import LogFile, find
from reconciler.logs.read.search import tail
from reconciler.model.state.builder import builder_name
from reconciler.render.formats import count, duration, local
from reconciler.render.progress_bar import bar
from reconciler.render.sparkline import unicode_locale
from reconciler.render.status import is_settled, problem_lines, status_table
from reconciler.render.terminal import (
    Screen,
    colours,
    folded,
    harmless,
    is_terminal,
    paint,
    plain,
    room,
    width,
)

App = Mapping[str, Any]

# Seconds between two looks; more where a look takes long, so as not to be a burden.
_EVERY = 0.15
_SHARE = 5
# A removed manifest is looked for twice; what is still undecided then waits for a person.
_UNDECIDED = 3.0
_LINES = 10


def wait(client: Client, place: Where, limit: float, live: Live) -> int:
    """Until all apps are Synced and Healthy (or suspended): 0; 1 when that cannot be.

    Apps that cannot become ready are reported at once; the wait for the others goes on.
    ``live``: the output of builds, shown while there are any.
    """
    began = time.monotonic()
    shown = _Shown()
    quiet_since, was_building = began, False
    blamed: set[str] = set()
    while True:
        requested_at = time.monotonic()
        try:
            document = client.status()
        except ControllerNotRunningError:
            raise CliError(
                "the controller ended while recon waited; its apps keep running"
            ) from None
        if document["errors"]:
            raise CliError("\n".join(problem_lines(document)[1:]))
        pending = [app for app in document["apps"] if not is_settled(app)]
        if was_building or any(map(_is_building, pending)):
            shown.clear()
            if live.show():
                quiet_since = requested_at
        was_building = any(map(_is_building, pending))
        if shown.show(pending, {app["name"] for app in document["apps"]}):
            quiet_since = requested_at
        if not pending:
            apps = len(document["apps"])
            message = f"All {apps} apps" if apps != 1 else "The app is"
            done = f"{message} ready after {_since(began)}."
            print(paint(done, "green", on=colours()))
            return OK
        now = time.monotonic()
        culprits = [app for app in pending if is_hopeless(app)]
        if now - quiet_since > _UNDECIDED:
            culprits += [app for app in pending if _is_undecided(app) and app not in culprits]
        if fresh := [app for app in culprits if app["name"] not in blamed]:
            shown.clear()
            _print_failures(fresh, place)
            blamed |= {app["name"] for app in fresh}
        if len(culprits) == len(pending):  # no other app is still starting
            _print_outcome(culprits)
            return ERROR
        if now - began > limit:
            print("\n".join(_table(pending)))
            message = f"not ready after {duration(limit)}: {_names(pending)}"
            raise CliError(f"{message}; the controller keeps trying")
        time.sleep(max(_EVERY, _SHARE * (now - requested_at)))


def is_hopeless(app: App) -> bool:
    """Whether a person must act before the app can become ready.

    An instance that is merely not ready is waited for: its program may be warming up.
    """
    withheld = _is_withheld(app) and app["health"] != "Progressing"
    if _is_unconfirmed(app) or is_paused(app) or withheld:
        return True
    if _is_waiting(app):
        return any(condition["reason"] == "DependencyStuck" for condition in app["conditions"])
    if any(condition["type"] == "LimitsInForce" for condition in app["conditions"]):
        return True
    if app["health"] != "Degraded":
        return False
    if app["kind"] == "Job":  # while it is tried, it may yet succeed
        return all(run["outcome"] != "Active" for run in app["runs"])
    states = {row["state"] for row in app["instances"]}
    given_up = any(
        condition["type"] == "Progressing" and condition["status"] == "False"
        for condition in app["conditions"]
    )
    return given_up or bool(states & {"backoff", "frozen"})


def _is_unconfirmed(app: App) -> bool:
    """Its removal is held until a person says that it is meant."""
    return any(condition["reason"] == "ConfirmationRequired" for condition in app["conditions"])


def _is_building(app: App) -> bool:
    return any(condition["reason"] == "Building" for condition in app["conditions"])


def _failed_to_build(app: App) -> bool:
    return any(condition["reason"] == "BuildFailed" for condition in app["conditions"])


def is_paused(app: App) -> bool:
    """Whether its rollout waits until a person resumes it."""
    return any(condition["reason"] == "DeploymentPaused" for condition in app["conditions"])


def _is_withheld(app: App) -> bool:
    """Whether more instances are declared than may run before a person confirms them."""
    return any(condition["type"] == "LoadHeld" for condition in app["conditions"])


def _is_undecided(app: App) -> bool:
    """Whether no manifest declares the app, and it is not being stopped."""
    stopping = any(row["state"] == "stopping" for row in app["instances"])
    return bool(app["health"] == "Unknown" and not stopping)


def _is_waiting(app: App) -> bool:
    """Whether its start waits for a dependency."""
    return any(row["state"] == "waiting" for row in app["instances"])


class _Shown:
    """The progress that was printed so far."""

    def __init__(self) -> None:
        self._screen = Screen(sys.stdout) if is_terminal() else None
        self._before: dict[str, str] = {}
        self._began = time.monotonic()

    def _bar(self, pending: list[App], everyone: set[str]) -> str:
        """How many are ready; it moves while anything is waited for."""
        total, passed = len(everyone), time.monotonic() - self._began
        done = len(everyone - {app["name"] for app in pending})
        return bar(done, total, "app", passed, columns=width(), blocks=unicode_locale())

    def clear(self) -> None:
        """Make room for other lines."""
        if self._screen is not None:
            self._screen.draw([])

    def show(self, pending: list[App], everyone: set[str]) -> bool:
        """Print the progress; return whether it differs from the last time."""
        now = {app["name"]: _progress(app) for app in pending}
        changed = now != self._before
        if self._screen is not None:
            self._screen.draw([*_table(pending), self._bar(pending, everyone)] if pending else [])
        else:
            for name, text in now.items():
                if self._before.get(name) != text:
                    print(f"{name}: {text}", flush=True)
            for name in sorted(self._before.keys() - now.keys()):
                print(f"{name}: {'ready' if name in everyone else 'gone'}", flush=True)
        self._before = now
        return changed


def _progress(app: App) -> str:
    """How far an app is, without what changes from second to second."""
    text = f"{app['health']}, {app['ready']} of {app['desired']} ready"
    if app["updated"] < app["desired"]:
        text += f", {app['updated']} updated"
    if any(condition["reason"] == "CanaryPauseStep" for condition in app["conditions"]):
        text += ", its canary is being observed"
    if _is_building(app):
        text += ", building"
    elif app["kind"] == "Job":
        text = f"{app['health']}, {_run(app)}"
    elif app["health"] == "Unknown" or _is_waiting(app):
        text = local(app["message"])
    return plain(text)


def _run(app: App) -> str:
    """What of a Job is waited for."""
    active = [run for run in app["runs"] if run["outcome"] == "Active"]
    if not active:
        return "no run is under way"
    tries = f", try {active[-1]['failures'] + 1}" if active[-1]["failures"] else ""
    return f"run {active[-1]['number']} is under way{tries}"


def _table(apps: list[App]) -> list[str]:
    return status_table({"apps": apps}, columns=room(), colour=colours())


def _print_failures(culprits: list[App], place: Where) -> None:
    """Print the instances that are not ready, why, and their last output."""
    for app in culprits:
        headline = folded(f"{app['name']} cannot become ready: {plain(local(app['message']))}")
        print("\n" + paint(headline, "red", on=colours()))
        if _is_withheld(app):  # what it writes has nothing to do with it
            continue
        try:
            lines = tail(_logs_of(app, place), lines=_LINES)
        except OSError as error:
            print(f"  its log cannot be read: {error.strerror} ({error.filename})")
            continue
        if lines:
            print(f"  its last {count(len(lines), 'line')}:")
        for line in lines:
            print(f"  {line.source} {'!' if line.stream == 'err' else '|'} {harmless(line.text)}")


def _print_outcome(culprits: list[App]) -> None:
    message = f"\nnot ready: {_names(culprits)}"
    if all(map(_failed_to_build, culprits)):
        message += "; fix the build, then check with `recon status`"
    elif all(map(_is_withheld, culprits)):
        message += "; all other declared apps run"
    else:
        message += (
            "; the controller keeps trying. Edit the manifest, then check with `recon status`"
        )
    print(folded(message, sys.stderr), file=sys.stderr)


def _logs_of(app: App, place: Where) -> list[LogFile]:
    """The command that shows the cause: the logs of the last run of a build or a Job."""
    if not _failed_to_build(app) and app["kind"] != "Job":
        return find(place.paths.root, [app["name"]])
    name = app["name"] if app["kind"] == "Job" else builder_name(app["name"])
    logs = find(place.paths.root, [name])
    last = max((log.instance for log in logs if log.instance is not None), default=0)
    return [log for log in logs if log.instance in (None, last)]


def _names(apps: list[App]) -> str:
    return ", ".join(app["name"] for app in apps)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
