"""The findings of `recon doctor` on one app: its program, ports, files and packages."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from reconciler.checks.access import Identity, allowed
from reconciler.checks.host import of_log_folder
from reconciler.checks.runtimes import lacking, missing_interpreter
from reconciler.desired.manifest.logplaces import declared as declared_logs
from reconciler.desired.text.locate import place_of
from reconciler.diff.lint.advice import advice_on, ports_of
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.finding import Finding, ok, problem, warning
from reconciler.model.words.address import Address
from reconciler.observed.host.machine import device, disk, folder
from reconciler.observed.probes import listeners
from reconciler.render.formats import place
from reconciler.system.work import door
from reconciler.system.work.look import patiently


def of_app(app: Workload, pids: list[int], closed: int, state: Path) -> Iterator[Finding]:
    """``ours``: pids that hold recon's ports; ``closed``: below this recon may not listen;
    ``state``: the state directory, whose disk is looked at elsewhere."""
    spec = app.spec
    yield from _programs(app)
    yield from lacking(spec.command, spec.cwd)
    yield from _low_ports(spec, closed)
    yield from _ports(spec, pids)
    yield from _unwatched(spec)
    yield from _logs(spec, state)
    yield from _advice(app)


def _programs(app: Workload) -> Iterator[Finding]:
    """That it is there was looked at with the manifest; here whether *its user* may run it."""
    spec = app.spec
    user = _identity(spec)
    search = app.environment(0).get("PATH") or os.environ.get("PATH") or os.defpath
    programs = _files_of(spec.command[0], spec.cwd, search)
    if not programs:
        return  # a problem of the manifest
    requests = [(path, os.X_OK) for path in (spec.cwd, *programs)]
    enters, *run = allowed(user, requests)
    # exec goes on in PATH past what this user may not run.
    program = next((path for path, may in zip(programs, run, strict=True) if may), programs[0])
    if not enters:
        remedy = f"chmod o+x {spec.cwd} and all directories above, or correct `user`"
        yield problem("program", f"user {spec.user} may not enter {spec.cwd}", remedy)
    elif not any(run):
        remedy = "check the modes of it and of all directories above"
        yield problem("program", f"user {spec.user} may not execute {program}", remedy)
    else:
        yield missing_interpreter(program) or ok("program", f"{program} can be run")


def _identity(spec: ProgramSpec) -> Identity | None:
    """The user that the app runs as; None: recon's own. The names are known: see
    `desired.resolve`."""
    if os.geteuid() != 0 or (spec.user is None and spec.group is None):
        return None
    user = spec.user or "0"
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:  # a bare number: it is in no group but its own
        return Identity(int(user), int(user), ())
    gid = entry.pw_gid
    if spec.group is not None:
        gid = int(spec.group) if spec.group.isdigit() else grp.getgrnam(spec.group).gr_gid
    return Identity(entry.pw_uid, gid, tuple(os.getgrouplist(entry.pw_name, gid)))


def _files_of(program: str, cwd: str, search: str) -> list[str]:
    """Where it may be, in the order of PATH."""
    folders = [""] if "/" in program else search.split(":")
    paths = (os.path.normpath(os.path.join(cwd, folder, program)) for folder in folders)
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]


def _low_ports(spec: ProgramSpec, closed: int) -> Iterator[Finding]:
    for socket in spec.shared_sockets:
        if socket.port is not None and socket.port < closed:
            message = f"recon may not listen on {socket.address}"
            remedy = (
                f"sysctl net.ipv4.ip_unprivileged_port_start={socket.port}, or start it as root"
            )
            yield problem("port", message, remedy)


def _ports(spec: ProgramSpec, pids: list[int]) -> Iterator[Finding]:
    """Each address that the app is to listen on, by itself or through recon."""
    fixed, each = ports_of(spec)
    ports = {*fixed, *(base + number for base in each for number in range(spec.wanted))}
    own = {socket.port for socket in spec.shared_sockets}
    addresses = [socket.address for socket in spec.shared_sockets]
    addresses += [Address("0.0.0.0", port) for port in sorted(ports - own)]
    for address in addresses if spec.wanted else ():
        where = str(address) if address.path or address.port in own else f"port {address.port}"
        holder = listeners.stranger(address, (), pids)
        if holder is not None:
            remedy = "stop that, or give the app another port"
            yield problem("port", f"{where} is held by {holder}", remedy)
        elif listeners.listening(address):
            yield ok("port", f"{where} is used by recon")
        else:
            yield ok("port", f"{where} is free")


def _unwatched(spec: ProgramSpec) -> Iterator[Finding]:
    watched = spec.watch.paths if spec.watch else ()
    build = spec.build if isinstance(spec, AppSpec) else None
    inputs = build.inputs if build else ()
    for path, check, remedy in (
        *((path, "watch", "build it, or correct watch.paths") for path in watched),
        *((path, "build", "correct build.inputs, unless it comes later") for path in inputs),
    ):
        place = os.path.normpath(os.path.join(spec.cwd, path))
        if not os.path.exists(place):
            yield warning(
                check, f"{place} does not exist, so changes in it are not followed", remedy
            )


def _logs(spec: ProgramSpec, state: Path) -> Iterator[Finding]:
    """The folders that logs are declared to go to."""
    for path in sorted({os.path.dirname(log) for _, log in declared_logs(spec)}):
        try:
            yield from patiently(partial(door.through, path, _log_folder, Path(path), state))
        except door.UnansweredError as error:
            yield problem("logs", error.message, error.remedy)


def _log_folder(path: Path, state: Path) -> list[Finding]:
    elsewhere = device(path) != device(state)
    return [*of_log_folder(folder(path), disk(path) if elsewhere else None)]


def _advice(app: Workload) -> Iterator[Finding]:
    for path, message in advice_on(app.spec, app.line):
        line, _ = place_of(app.source.file, app.name, path)
        yield warning("manifest", message, f"see {place(app.source.file)}:{line}")
