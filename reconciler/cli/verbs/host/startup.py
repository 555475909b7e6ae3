"""`recon startup`: the controller, and with it all that is declared, comes back after a boot.

Nothing is saved for that: the manifests are the list. Every step is printed; if one is refused,
what was done so far is done, and the same command goes on from there.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

from reconciler.api.errors import ControllerNotRunningError
from reconciler.cli.boot import openrc, systemd, unit
from reconciler.cli.boot.boot import USUAL_PATH, Boot
from reconciler.cli.boot.program import program
from reconciler.cli.boot.unit import INIT_SCRIPTS, SYSTEM, user_units
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK, CliError
from reconciler.cli.framework.options import (
    ApiGroup,
    Manifests,
    Profile,
    StateDir,
    Where,
    one_of,
    where,
)
from reconciler.convert.systemd.unitfile import Unwritable
from reconciler.model.spec.env import FromEnv
from reconciler.model.state.desired import Workload
from reconciler.state.lock import is_held
from reconciler.system.init_system import InitSystem, init_system, systemd_version

_INITS = ("systemd", "openrc")
_PATIENCE = 30.0
"""Seconds for the controller that runs to leave."""


class Step(NamedTuple):
    """One thing that is done: as a line of shell, and the doing."""

    message: str
    do: Callable[[], object]


def startup(
    user: Annotated[
        bool, Option("--user", help="A service of your own user manager, without root.")
    ] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print the units and commands, and do nothing.")
    ] = False,
    remove: Annotated[bool, Option("--remove", help="Undo it. The apps keep running.")] = False,
    init: Annotated[
        str | None,
        Option("--init", metavar="systemd|openrc", help="Not the one found."),
    ] = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    api_group: ApiGroup = None,
) -> int:
    """Start recon at boot: write a unit, enable it, start it.

    Apps keep running while the unit restarts recon, and stop in their order when the host shuts
    down. A controller that runs now hands over to the unit's. Without --user it needs root.
    """
    place = where(manifests, state_dir, profile)
    system = _init(init, place)
    if user and system.name != "systemd":
        raise CliError(f"{system.name} has no user services; remove --user")
    if not user and os.geteuid() != 0 and not dry_run:
        raise CliError(_as_root(place, remove))
    apps = [] if remove else _apps(place)
    boot = Boot(program(), place, user, system.version, api_group, [*_folders(apps)])
    try:
        files = _files(boot, system.name)
    except Unwritable as error:
        raise CliError(f"{error}; a unit cannot name it") from None
    steps = [*(_undo if remove else _install_steps)(boot, system.name, files, dry_run)]
    for path, text in files.items() if dry_run and not remove else ():
        print(f"# {path}\n{text}")
    for step in steps:
        print(step.message, flush=True)
        if not dry_run:
            step.do()
    if not dry_run:
        for line in [*_after_removal()] if remove else [*_notes(boot, system.name, apps)]:
            print(line)
    return OK


# -- what is there -----------------------------------------------------------------------------


def _init(given: str | None, place: Where) -> InitSystem:
    if given is not None:
        name = one_of("--init", given, _INITS)
        return InitSystem(name, True, systemd_version() if name == "systemd" else 0)
    found = init_system()
    if not found.known:
        words = [*program(), "run", "-m", str(place.manifests)]
        raise CliError(
            f"neither systemd nor OpenRC runs here (PID 1 is {found.name}). In a container let "
            f"recon itself be PID 1: {shlex.join(words)}. It reaps orphans, and SIGTERM stops "
            "everything in its order. To print a unit anyway: --init systemd --dry-run"
        )
    return found


def _as_root(place: Where, remove: bool) -> str:
    words = ["sudo", *program(), "startup"]
    words += ["--remove"] if remove else ["--manifests", str(place.manifests)]
    words += ["--profile", place.profile] if place.profile else []
    return (
        "a system unit needs root. Either run\n"
        f"  {shlex.join(words)}\n"
        "where apps run as root unless their manifest names a `user`, with its state in "
        "/var/lib/recon; or install a service of your own, where they run as you:\n"
        f"  recon startup --user{' --remove' if remove else ''}"
    )


def _apps(place: Where) -> list[Workload]:
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy; `--remove` needs no apps

    return [*scan(place).apps.values()]


def _folders(apps: Iterable[Workload]) -> Iterator[str]:
    """Where programs are found by this shell's PATH, and would not be by a service's."""
    seen = set()
    for app in apps:
        if "PATH" in app.environment(0):
            continue
        probes = [command for _, command in app.spec.probe_commands()]
        for command in (app.spec.command, app.spec.stop.pre_stop, *probes):
            name = command[0] if command else ""
            if not name or "/" in name or shutil.which(name, path=USUAL_PATH):
                continue
            folder = os.path.dirname(os.path.abspath(shutil.which(name) or ""))
            if folder not in seen and ":" not in folder and shutil.which(name):
                seen.add(folder)
                yield folder


# -- what is done ------------------------------------------------------------------------------


def _files(boot: Boot, init: str) -> dict[Path, str]:
    if init == "openrc":
        return {INIT_SCRIPTS / openrc.SCRIPT: openrc.script(boot)}
    folder = user_units() if boot.user else SYSTEM
    return {folder / name: text for name, text in systemd.units(boot).items()}


def _install_steps(boot: Boot, init: str, files: dict[Path, str], dry_run: bool) -> Iterator[Step]:
    mode = 0o755 if init == "openrc" else 0o644
    for path, text in files.items():
        yield Step(f"write {path}", partial(unit.write, path, text, mode))
    if init == "openrc":
        yield _command("rc-update", "add", openrc.SCRIPT, "default")
        # By itself OpenRC takes no note of a script that is younger by less than a second.
        yield _command("rc-update", "--update")
        yield from _handover(boot.place, _openrc_child())
        yield _command("rc-service", openrc.SCRIPT, "restart")
        return
    systemctl = _systemctl(boot.user)
    yield _command(*systemctl, "daemon-reload")
    yield _command(*systemctl, "enable", *systemd.UNITS)
    yield from _handover(boot.place, 0 if dry_run else _main_pid(systemctl))
    yield _command(*systemctl, "restart", systemd.SERVICE)
    yield _command(*systemctl, "start", systemd.SHUTDOWN)


def _undo(boot: Boot, init: str, files: dict[Path, str], _dry_run: bool) -> Iterator[Step]:
    there = [path for path in files if path.exists()]
    if not there:
        raise CliError(f"there is nothing to remove: no {' and no '.join(map(str, files))}")
    if init == "openrc":
        yield _command("rc-service", "--ifstarted", openrc.SCRIPT, "stop")
        yield _command("rc-update", "del", openrc.SCRIPT, "default")
    else:
        systemctl = _systemctl(boot.user)
        names = [path.name for path in there]
        yield _command(*systemctl, "disable", *names)
        if systemd.SERVICE in names:
            yield _command(*systemctl, "stop", systemd.SERVICE)
    for path in there:
        yield Step(f"remove {path}", partial(unit.remove, path))
    if init == "systemd":
        yield _command(*systemctl, "daemon-reload")
        # With its file systemd has forgotten what a stop of it would do, which is to stop all apps.
        # Behind the removed one may be that of the Debian package, which says it still.
        if boot.user or not (unit.PACKAGED / systemd.SHUTDOWN).exists():
            yield _command(*systemctl, "stop", systemd.SHUTDOWN)


def _command(*words: str) -> Step:
    return Step(shlex.join(words), partial(unit.run, [*words]))


def _systemctl(user: bool) -> list[str]:
    return ["systemctl", "--user"] if user else ["systemctl"]


def _handover(place: Where, own: int) -> Iterator[Step]:
    """A controller that was not started by the unit leaves its apps to the unit's."""
    try:
        pid = int(controller.client_of(place).version()["pid"])
    except ControllerNotRunningError:
        return
    if pid != own:
        yield Step(
            f"kill {pid}  # the running controller; its apps keep running",
            partial(_end_controller, pid, place),
        )


def _end_controller(pid: int, place: Where) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except OSError as error:
        raise CliError(f"the controller (pid {pid}) cannot be ended: {error.strerror}") from None
    finally:
        os.close(descriptor)
    deadline = time.monotonic() + _PATIENCE
    while is_held(place.paths.lock):
        if time.monotonic() > deadline:
            raise CliError(f"the controller (pid {pid}) does not end; kill -9 it, then try again")
        time.sleep(0.05)


def _main_pid(systemctl: list[str]) -> int:
    """Of the unit's controller, where it runs."""
    return _number([*systemctl, "show", "-p", "MainPID", "--value", systemd.SERVICE])


def _openrc_child() -> int:
    return _number(["cat", f"/run/openrc/options/{openrc.SCRIPT}/child_pid"])


def _number(words: list[str]) -> int:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:
        return 0
    text = done.stdout.strip()
    return int(text) if text.isdecimal() else 0


# -- what is printed -----------------------------------------------------------------------------


def _notes(boot: Boot, init: str, apps: list[Workload]) -> Iterator[str]:
    yield f"recon is started at boot, with {boot.place.manifests}. Check with: recon status"
    if not boot.place.manifests.is_dir():
        yield f"note: {boot.place.manifests} is not a directory yet; recon waits for it"
    for folder in boot.folders:
        yield f"note: PATH gets {folder}: declared programs are found only there"
    file = _env_file(boot.user)
    names = sorted({name for app in apps for name in _from_env(app)})
    if names and not file.exists():
        yield f"note: {', '.join(names)} (fromEnv): write NAME=value lines into {file}, mode 0600"
    if not boot.user and os.stat(boot.program[0]).st_uid != 0:
        yield f"note: {boot.program[0]} does not belong to root, and root will run it"
    name = pwd.getpwuid(os.geteuid()).pw_name
    if boot.user and not os.path.exists(f"/var/lib/systemd/linger/{name}"):
        yield (
            "note: it runs only while you are logged in, until you run: "
            f"loginctl enable-linger {name}"
        )
    if init == "openrc":
        yield "note: to stop everything: rc-service recon stop, then recon down"


def _env_file(user: bool) -> Path:
    """``%E/recon/env`` (systemd.unit(5)): where the unit reads variables from."""
    if not user:
        return Path("/etc/recon/env")
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "recon/env"


def _from_env(app: Workload) -> Iterator[str]:
    return (value.from_env for value in app.spec.env.values() if isinstance(value, FromEnv))


def _after_removal() -> Iterator[str]:
    yield "recon no longer starts at boot. Its apps keep running, unsupervised:"
    yield "`recon apply` starts a controller that takes them over, `recon down` stops them."
