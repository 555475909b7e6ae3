"""A controller in the background: the one that runs, or a new one that outlives this shell.

A new one is started early and held (``api/held.py``): it loads while the plan is made.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed
from tenacity.retry import retry_if_exception

from reconciler.api.client import Client
from reconciler.api.daemon.held import GO
from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.boot.unit import run as run_command
from reconciler.cli.boot.unit import service_of
from reconciler.cli.framework import controller
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.host import run
from reconciler.state.paths import prepare

# A controller that takes over 10,000 apps answers only when it has read them all (seconds).
_START = 60.0
_SHOWN = 20
"""Lines of its log, of a controller that did not start."""
_READ = 64 * 1024
"""Bytes of it: the log grows over all controllers of a state directory."""

Held: TypeAlias = "subprocess.Popen[bytes]"


@contextmanager
def early(place: Where) -> Iterator[Held | None]:
    """A controller that loads, and does nothing until ``ensure``; without that it is gone after.

    None where one runs, or where a boot unit starts it. CliError where the one that runs serves
    another set of manifests.
    """
    if is_running(place) or service_of(place):
        yield None
        return
    held = _held(place)
    try:
        yield held
    finally:
        assert held.stdin is not None
        if not held.stdin.closed:
            held.kill()  # it has done nothing yet
            held.wait()
            held.stdin.close()


def ensure(place: Where, held: Held | None) -> Client:
    """A client of the controller of these manifests, which is let go or started if none runs."""
    client = controller.client_of(place)
    if not is_running(place):
        _check(place, _start(place, client, held))
    return client


def is_running(place: Where) -> bool:
    """Whether a controller answers; CliError where it serves another set of manifests."""
    try:
        about = controller.client_of(place).version()
    except ControllerNotRunningError:
        return False
    _check(place, about)
    return True


def _check(place: Where, about: dict[str, Any]) -> None:
    if os.path.realpath(about["manifests"]) != os.path.realpath(place.manifests):
        raise CliError(
            f"the controller (pid {about['pid']}) serves {about['manifests']}, not "
            f"{place.manifests}; choose those with -m, or another --state-dir"
        )
    if about["profile"] != place.profile:
        _check_profile(place, about)


def _check_profile(place: Where, about: dict[str, Any]) -> None:
    """--profile is the controller's from its start on; `profile` in recon.yaml can be edited."""
    runs_with, profile, pid = about["profile"], place.profile, about["pid"]
    if profile is None:
        raise CliError(f"the controller runs with --profile {runs_with}; give the same option here")
    if runs_with is None:
        from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy, and seldom needed

        if scan(Where(place.manifests, place.paths)).settings.profile == profile:
            return
        raise CliError(
            f"the controller (pid {pid}) runs without --profile, which it gets at its start. "
            f"To switch, write `profile: {profile}` into the Settings in "
            f"{place.manifests / 'recon.yaml'}: the edit takes effect at once, and the next "
            "controller reads it too"
        )
    raise CliError(
        f"the controller (pid {pid}) runs with --profile {runs_with}, which it gets at its start. "
        f"To switch, end it with `kill {pid}` (its apps keep running) and apply again; or, where "
        f"it is started at boot, run `recon startup --profile {profile}`. A controller without "
        "--profile follows edits of `profile` in recon.yaml"
    )


def _held(place: Where) -> Held:
    words = run.command(place, "--held")
    return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)


def _start(place: Where, client: Client, held: Held | None) -> dict[str, Any]:
    """Start a controller, by its boot unit or in a session of its own; returns when it answers."""
    service = service_of(place)
    if service is not None:
        run_command([*service, "start", "recon.service"])
        print("started recon.service", flush=True)
        return client.version()
    held = held or _held(place)  # None: the one that ran has left since
    prepare(place.paths)
    assert held.stdin is not None
    with suppress(BrokenPipeError), held.stdin as word:
        word.write(GO)
    log = place.paths.controller_log
    print(f"started the controller (pid {held.pid}, log {log})", flush=True)

    def failed(error: BaseException) -> bool:
        return isinstance(error, ControllerNotRunningError) and held.poll() is not None

    waiting = Retrying(
        stop=stop_after_delay(_START),
        wait=wait_fixed(0.02),
        retry=retry_if_exception_type(ControllerNotRunningError)
        & retry_if_exception(lambda error: not failed(error)),
        reraise=True,
    )
    try:
        about: dict[str, Any] = waiting(client.version)
    except ControllerNotRunningError:
        last = _end_of(log).splitlines()[-_SHOWN:]
        raise CliError(
            "\n".join(["the controller did not start; its last output:", *last])
        ) from None
    return about


def _end_of(log: Path) -> str:
    """The last lines of a file, however long it is."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _READ))
        return file.read(_READ).decode(errors="replace")
