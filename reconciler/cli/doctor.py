"""`recon doctor`: what is amiss with this host, and with what the declared apps need of it."""

from __future__ import annotations

import grp
import json
import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from reconciler import __version__
from reconciler.api.client import ControllerNotRunningError
from reconciler.cli import controller
from reconciler.cli.errors import ERROR, OK
from reconciler.cli.offline import facts_of, store_of
from reconciler.cli.options import Apps, Manifests, Output, Profile, StateDir, Where, one_of, where
from reconciler.cli.terminal import colours, paint, plain, width
from reconciler.cli.words import count, local, place
from reconciler.desired.locate import place_of
from reconciler.desired.logplaces import declared as declared_logs
from reconciler.desired.trees import Trees, TreeTooLarge
from reconciler.diff.advice import advice_on, ports_of
from reconciler.diff.checkup import (
    Needs,
    of_cgroups,
    of_disk,
    of_host,
    of_log_folder,
    of_state,
)
from reconciler.loop.paths import store_id
from reconciler.model.address import Address
from reconciler.model.desired import Desired, DesiredApp, Problem
from reconciler.model.finding import Finding, Level, ok, problem, warning
from reconciler.model.host import HostFacts
from reconciler.model.machine import Machine
from reconciler.model.manifest import AppSpec
from reconciler.observed import listeners
from reconciler.observed.access import Identity, allowed
from reconciler.observed.machine import device, disk, folder, machine
from reconciler.observed.snapshot import snapshot
from reconciler.observed.workspace import lacking, missing_interpreter

FORMAT_VERSION = 1
_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_HOST, _RECON = "host", "recon"


class _Told(NamedTuple):
    """A finding and what it is about: the host, recon, or an app by name."""

    subject: str
    finding: Finding


def doctor(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    output: Output = "text",
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also tell what was looked at and is well.")
    ] = False,
) -> int:
    """Look for what is amiss here, and say what to do.

    Host, limits, disk, permissions, programs, packages, logs and ports. The exit code is 1 where
    there is a problem, 0 where there are warnings only. FORMAT is text or json. Nothing is changed.
    """
    one_of("--output", output, ("text", "json"))
    here = where(manifests, state_dir, profile)
    desired = store_of(here).scan()
    controller.names(here, set(desired.apps), apps, None)
    this, facts = machine(), facts_of(here)
    found = [*_of_host(here, desired, this, facts), *_of_recon(here, desired)]
    found += _of_apps(here, desired, set(apps or desired.apps), _closed_ports(this, facts))
    if output == "json":
        print(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(found, everything):
            print(line)
    return ERROR if any(told.finding.level is Level.PROBLEM for told in found) else OK


def _of_host(here: Where, desired: Desired, this: Machine, facts: HostFacts) -> Iterator[_Told]:
    yield from (_Told(_HOST, finding) for finding in of_host(this, _needs(here, desired)))
    yield from (_Told(_HOST, finding) for finding in of_cgroups(facts.cgroups))
    yield from (_Told(_HOST, finding) for finding in of_disk(disk(here.paths.root)))


def _needs(here: Where, desired: Desired) -> Needs:
    specs = [app.spec for app in desired.apps.values()]
    return Needs(
        instances=sum(spec.wanted for spec in specs),
        memory=sum(spec.wanted * (spec.limits.memory or 0) for spec in specs),
        watches=sum(1 for _ in os.walk(here.manifests)) + sum(map(_watched, specs)),
    )


def _watched(spec: AppSpec) -> int:
    """How many folders an app has watched."""
    if spec.watch is None:
        return 0
    trees = Trees(spec.watch, spec.cwd)
    try:
        trees.look()
    except TreeTooLarge:  # `validate` and `status` tell
        return 0
    return len(trees.folders())


def _closed_ports(this: Machine, facts: HostFacts) -> int:
    """Ports below this recon may not listen on."""
    return 0 if facts.may("NET_BIND_SERVICE") else this.open_ports


def _of_recon(here: Where, desired: Desired) -> Iterator[_Told]:
    yield _Told(_RECON, of_state(folder(here.paths.root), os.geteuid()))
    yield _Told(_RECON, _controller(here))
    if not desired.complete:
        told = f"{place(str(here.manifests))} cannot be read as a directory of manifests"
        yield _Told(_RECON, problem("manifests", told, "create it (`recon init`), or name it: -m"))
    for one in desired.problems:
        message, _, remedy = one.message.partition("; ")
        told = _placed(replace(one, message=message))
        yield _Told(_RECON, problem("manifests", told, remedy or "correct the manifest"))


def _controller(here: Where) -> Finding:
    try:
        version = controller.client_of(here).version()
    except ControllerNotRunningError:
        told = "no controller runs: nothing is restarted, edits have no effect"
        return warning(
            "controller", told, "`recon apply` starts one, `recon run` in the foreground"
        )
    pid = version["pid"]
    if version["version"] != __version__:
        told = f"the controller (pid {pid}) is recon {version['version']}, this is {__version__}"
        return warning("controller", told, f"kill {pid}, then `recon apply`: apps run on meanwhile")
    if version["manifests"] != str(here.manifests):
        told = f"the controller (pid {pid}) reads {version['manifests']}, not {here.manifests}"
        return warning("controller", told, "give the same directory: -m, or RECON_MANIFESTS")
    return ok("controller", f"recon {version['version']} runs (pid {pid})")


def _of_apps(here: Where, desired: Desired, names: set[str], closed: int) -> Iterator[_Told]:
    pids = _ours(here)
    for name in sorted(names):
        app = desired.apps[name]
        findings = [*_programs(app), *lacking(app.spec.command, app.spec.cwd)]
        findings += [*_low_ports(app.spec, closed), *_ports(app.spec, pids)]
        findings += [*_unwatched(app.spec), *_logs(here, app.spec), *_advice(app)]
        for finding in findings:
            yield _Told(name, finding)


def _ours(here: Where) -> list[int]:
    """The processes of this store, and the controller, which has their sockets open as well."""
    found = snapshot(store_id(here.paths), here.paths.root, lambda _: None).processes
    pids = [id.pid for process in found for id in (process.id, *process.stragglers)]
    try:
        return [*pids, int(controller.client_of(here).version()["pid"])]
    except ControllerNotRunningError:
        return pids


def _programs(app: DesiredApp) -> Iterator[Finding]:
    """That it is there was looked at with the manifest; here whether *its user* may run it."""
    spec = app.spec
    user = _identity(spec)
    search = app.environment(0).get("PATH") or os.environ.get("PATH") or os.defpath
    program = _file_of(spec.command[0], spec.cwd, search)
    if program is None:
        return  # a problem of the manifest
    enters, runs = allowed(user, [(spec.cwd, os.X_OK), (program, os.X_OK)])
    if not enters:
        remedy = f"chmod o+x {spec.cwd} and all directories above, or correct `user`"
        yield problem("program", f"user {spec.user} may not enter {spec.cwd}", remedy)
    elif not runs:
        remedy = "check the modes of it and of all directories above"
        yield problem("program", f"user {spec.user} may not execute {program}", remedy)
    else:
        yield missing_interpreter(program) or ok("program", f"{program} can be run")


def _identity(spec: AppSpec) -> Identity | None:
    """Who the app runs as; None: we ourselves. The names are known: see `desired.resolve`."""
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


def _file_of(program: str, cwd: str, search: str) -> str | None:
    folders = [""] if "/" in program else search.split(":")
    paths = (os.path.normpath(os.path.join(cwd, folder, program)) for folder in folders)
    return next((path for path in paths if os.path.isfile(path)), None)


def _low_ports(spec: AppSpec, closed: int) -> Iterator[Finding]:
    for socket in spec.sockets:
        if socket.port is not None and socket.port < closed:
            told = f"recon may not listen on {socket.address}"
            remedy = (
                f"sysctl net.ipv4.ip_unprivileged_port_start={socket.port}, or start it as root"
            )
            yield problem("port", told, remedy)


def _ports(spec: AppSpec, ours: list[int]) -> Iterator[Finding]:
    """Each address that the app is to listen on, by itself or through recon."""
    fixed, each = ports_of(spec)
    ports = {*fixed, *(base + number for base in each for number in range(spec.wanted))}
    own = {socket.port for socket in spec.sockets}
    addresses = [socket.address for socket in spec.sockets]
    addresses += [Address("0.0.0.0", port) for port in sorted(ports - own)]
    for address in addresses if spec.wanted else ():
        told = str(address) if address.path or address.port in own else f"port {address.port}"
        who = listeners.stranger(address, (), ours)
        if who is not None:
            remedy = "stop that, or give the app another port"
            yield problem("port", f"{told} is held by {who}", remedy)
        elif listeners.listening(address):
            yield ok("port", f"{told} is ours")
        else:
            yield ok("port", f"{told} is free")


def _logs(here: Where, spec: AppSpec) -> Iterator[Finding]:
    """The folders that logs are declared to go to."""
    own = device(here.paths.root)
    for path in sorted({os.path.dirname(log) for _, log in declared_logs(spec)}):
        elsewhere = device(Path(path)) != own
        yield from of_log_folder(folder(Path(path)), disk(Path(path)) if elsewhere else None)


def _unwatched(spec: AppSpec) -> Iterator[Finding]:
    for path in spec.watch.paths if spec.watch else ():
        place = os.path.normpath(os.path.join(spec.cwd, path))
        if not os.path.exists(place):
            told = f"{place} is not there, so no change in it is followed"
            yield warning("watch", told, "build it, or correct watch.paths")


def _advice(app: DesiredApp) -> Iterator[Finding]:
    for path, message in advice_on(app.spec):
        line, _ = place_of(app.source.file, app.name, path)
        yield warning("manifest", message, f"see {place(app.source.file)}:{line}")


def _placed(one: Problem) -> str:
    at = f"{place(one.file)}:{one.line}:{one.column}" if one.line else place(one.file)
    return ": ".join(part for part in (at, one.path, one.message) if part)


def _document(found: Iterable[_Told]) -> dict[str, Any]:
    rows = [{"subject": told.subject, **_row(told.finding)} for told in found]
    summary = {level.value: sum(row["level"] == level for row in rows) for level in Level}
    return {"formatVersion": FORMAT_VERSION, "findings": rows, "summary": summary}


def _row(finding: Finding) -> Mapping[str, str]:
    return {**finding._asdict(), "level": finding.level.value}


def _lines(found: list[_Told], everything: bool) -> Iterator[str]:
    colour, columns = colours(), width()
    shown = [told for told in found if everything or told.finding.level is not Level.OK]
    subject = ""
    for told in shown:
        if told.subject != subject:
            yield from [""] if subject else []
            subject = told.subject
            yield paint(subject, "bold", on=colour)
        yield from _wrapped(told.finding, columns, colour)
    yield from [""] if shown else []
    yield _summary(found)


def _wrapped(finding: Finding, columns: int, colour: bool) -> Iterator[str]:
    """The message and, below it, what to do: whole, since a path that is cut off helps nobody."""
    import textwrap  # noqa: PLC0415  no other verb folds text

    mark = paint(f"{finding.level.value:<8}", _COLOURS[finding.level], on=colour)
    indent = " " * 12
    told = textwrap.wrap(
        plain(local(finding.message)), columns - len(indent), break_long_words=False
    )
    yield f"  {mark}  {told[0]}"
    rest = told[1:]
    if finding.remedy:
        rest += textwrap.wrap(
            plain(local(f"→ {finding.remedy}")), columns - len(indent), break_long_words=False
        )
    yield from (indent + line for line in rest)


def _summary(found: list[_Told]) -> str:
    levels = [told.finding.level for told in found]
    problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
    if not problems and not warnings:
        return f"{count(len(found), 'check')}, all is well"
    parts = [count(number, word) for number, word in ((problems, "problem"), (warnings, "warning"))]
    return f"{count(len(found), 'check')}: {', '.join(parts)}"
