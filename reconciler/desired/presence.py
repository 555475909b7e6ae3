"""What a manifest needs to find on the host: directories, programs, users. Told before a start."""

from __future__ import annotations

import grp
import os
import pwd
import re

from reconciler.desired import logplaces
from reconciler.desired.surroundings import Surroundings, Unresolvable
from reconciler.model.desired import DesiredApp
from reconciler.model.manifest import AppSpec
from reconciler.model.privileges import hidden_by_private_tmp
from reconciler.model.values import is_id

_OWN = ("node_modules/.bin", ".venv/bin", "venv/bin")


def check(app: DesiredApp, around: Surroundings) -> None:
    """What can be told before a start: raises Unresolvable."""
    spec = app.spec
    if not os.path.isdir(spec.cwd):
        raise Unresolvable(("cwd",), f"{spec.cwd} is not a directory; create it or mend the path")
    _check_account(spec)
    _check_privileges(spec)
    _check_sockets(spec)
    for where, said in logplaces.faults(spec, around.state):
        raise Unresolvable(where, said)
    path = app.environment(0).get("PATH") or around.environ.get("PATH") or os.defpath
    _check_program(spec.command[0], spec.cwd, path, "command")
    for role, probe in spec.probes.items():
        if probe.exec is not None:
            where = (f"{role}Probe", "exec", "command")
            _check_program(probe.exec.command[0], spec.cwd, path, *where)
    if spec.stop.pre_stop:
        _check_program(spec.stop.pre_stop[0], spec.cwd, path, "stop", "preStop")


def _check_account(spec: AppSpec) -> None:
    for field, value, known in (
        ("user", spec.user, lambda: pwd.getpwnam(spec.user or "")),
        ("group", spec.group, lambda: grp.getgrnam(spec.group or "")),
    ):
        if value is None or is_id(value):
            continue
        try:
            known()
        except KeyError:
            raise Unresolvable((field,), f"there is no {field} {value} on this host") from None


def _check_privileges(spec: AppSpec) -> None:
    for index, group in enumerate(spec.supplementary_groups):
        try:
            _ = None if is_id(group) else grp.getgrnam(group)
        except KeyError:
            message = f"there is no group {group} on this host"
            raise Unresolvable(("supplementaryGroups", index), message) from None
    for index, path in enumerate(spec.read_only_paths):
        if not os.path.exists(path):
            message = f"{path} does not exist; create it or mend the path"
            raise Unresolvable(("readOnlyPaths", index), message)
    program = os.path.join(spec.cwd, spec.command[0]) if "/" in spec.command[0] else ""
    for field, path in (("cwd", spec.cwd), ("command", program)) if spec.private_tmp else ():
        if hidden_by_private_tmp(path):
            message = f"{path} is hidden by privateTmp; move it, or remove privateTmp"
            raise Unresolvable((field,), message)


def _check_sockets(spec: AppSpec) -> None:
    for index, socket in enumerate(spec.sockets):
        where = ("sockets", index)
        for field, value, known in (
            ("owner", socket.owner, pwd.getpwnam),
            ("group", socket.group, grp.getgrnam),
        ):
            if value is None or is_id(value):
                continue
            try:
                known(value)
            except KeyError:
                raise Unresolvable((*where, field), f"{value} is not known on this host") from None
        folder = os.path.dirname(socket.path or "/")
        if not os.path.isdir(folder):
            message = f"{folder} is not a directory; create it or mend the path"
            raise Unresolvable((*where, "path"), message)


def _check_program(program: str, cwd: str, path: str, *where: str) -> None:
    folders = [""] if "/" in program else path.split(":")
    unfit = ""
    for folder in folders:  # as the kernel goes through PATH: the first that can be run
        file = os.path.normpath(os.path.join(cwd, folder, program))
        if os.path.isfile(file):
            if os.access(file, os.X_OK):
                return
            unfit = unfit or file
    if unfit:
        raise Unresolvable(where, f"{unfit} is not executable; chmod +x it")
    told = f"there is no program {program} in PATH ({path})"
    if "/" in program:
        file = os.path.normpath(os.path.join(cwd, program))
        told = f"there is no program {file}"
        if os.path.islink(file):
            told = f"{file} is a link to {os.readlink(file)}, which is not there"
    raise Unresolvable(where, told + _how_to_install(program, cwd))


def _how_to_install(program: str, cwd: str) -> str:
    """For programs that some tool puts into the app's own directory, where no PATH leads."""
    for folder in _OWN if "/" not in program else ():
        if os.access(os.path.join(cwd, folder, program), os.X_OK):
            return f"; write {folder}/{program}, which is there"
    if "node_modules/.bin/" in program:
        return "; install the packages: npm ci"
    if re.search(r"(^|/)\.?v?env/bin/", program):
        return "; make the virtual environment: python3 -m venv, then pip install what it needs"
    return ""
