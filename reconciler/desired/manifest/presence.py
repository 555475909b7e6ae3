"""What a manifest needs to find on the host: directories, programs, users. Told before a start."""

from __future__ import annotations

import contextlib
import os
import re

from reconciler.desired.manifest import logplaces
from reconciler.desired.manifest.surroundings import Surroundings, Unresolvable
from reconciler.model.spec.privileges import hidden_by_private_tmp
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.words.ids import is_id
from reconciler.system import accounts
from reconciler.system.work import door

_LONGEST = 1 << 17
"""MAX_ARG_STRLEN: bytes of one argument or variable, with the byte that ends it."""
_ADDED = 1 + 8
"""What else each takes: the byte that ends it, and a pointer."""
_OWN_SHARE = 4096
"""What recon adds to an environment (PATH, HOME, RECON_ID, …), and what the kernel keeps."""
_CREATE = "create it or correct the path"
_OWN = ("node_modules/.bin", ".venv/bin", "venv/bin")


def check(app: Workload, around: Surroundings) -> None:
    """What can be told before a start: raises Unresolvable."""
    spec = app.spec
    if not door.is_folder(spec.cwd):
        raise Unresolvable(("cwd",), f"{spec.cwd} is not a directory", _CREATE)
    _check_account(spec)
    _check_size(app)
    _check_privileges(spec)
    _check_sockets(spec)
    for where, fault in logplaces.faults(spec, around.state):
        raise Unresolvable(where, *fault)
    path = app.environment(0).get("PATH") or around.environ.get("PATH") or os.defpath
    _check_program(app.argv(0)[0], spec.cwd, path, "command")
    for where, command in spec.probe_commands():
        _check_program(command[0], spec.cwd, path, *where)
    if spec.stop.pre_stop:
        _check_program(spec.stop.pre_stop[0], spec.cwd, path, "stop", "preStop")


def _check_account(spec: ProgramSpec) -> None:
    if spec.user is not None and not _is_user(spec.user):
        raise Unresolvable(("user",), f"there is no user {spec.user} on this host")
    if spec.group is not None and not _is_group(spec.group):
        raise Unresolvable(("group",), f"there is no group {spec.group} on this host")
    if spec.user is not None and is_id(spec.user) and spec.group is None:
        with contextlib.suppress(accounts.SlowLookupError):
            if accounts.user(int(spec.user)) is None:
                message = f"id {spec.user} has no account on this host, so its group is unknown"
                raise Unresolvable(("user",), message, "create the account, or set `group` too")


def _is_user(name: str) -> bool:
    """Also where the host has yet to say: then the start will tell."""
    try:
        return is_id(name) or accounts.user(name) is not None
    except accounts.SlowLookupError:
        return True


def _is_group(name: str) -> bool:
    try:
        return is_id(name) or accounts.group(name) is not None
    except accounts.SlowLookupError:
        return True


def _check_size(app: Workload) -> None:
    """Whether an exec takes the arguments and the environment (execve(2))."""
    spec, most = app.spec, os.sysconf("SC_ARG_MAX")
    for word in spec.command:
        if len(os.fsencode(word)) >= _LONGEST:
            message = f"one of its words has {len(os.fsencode(word))} bytes"
            raise Unresolvable(("command",), message, f"Linux takes at most {_LONGEST - 1}")
    variables = app.environment(0)
    total = sum(len(os.fsencode(word)) + _ADDED for word in spec.command)
    for name, value in variables.items():
        size = len(os.fsencode(name)) + len(os.fsencode(value)) + 1
        total += size + _ADDED
        if size >= _LONGEST:
            where = ("env", name) if name in spec.env else ("envFrom",)
            message = f"{name} has {size} bytes with its name, of at most {_LONGEST - 1}"
            raise Unresolvable(where, message, "put it into a file")
    if total + _OWN_SHARE > most:
        where = ("env",) if len(spec.env) * 2 > len(variables) else ("envFrom",)
        message = f"{len(variables)} variables and the command have {total} bytes together"
        raise Unresolvable(where, f"{message}, of at most {most - _OWN_SHARE} here", "remove some")


def _check_privileges(spec: ProgramSpec) -> None:
    for index, group in enumerate(spec.supplementary_groups):
        if not _is_group(group):
            message = f"there is no group {group} on this host"
            raise Unresolvable(("supplementaryGroups", index), message)
    for index, path in enumerate(spec.read_only_paths):
        if not door.exists(path):
            raise Unresolvable(("readOnlyPaths", index), f"{path} does not exist", _CREATE)
    program = os.path.join(spec.cwd, spec.command[0]) if "/" in spec.command[0] else ""
    for field, path in (("cwd", spec.cwd), ("command", program)) if spec.private_tmp else ():
        if hidden_by_private_tmp(path):
            message = f"{path} is hidden by privateTmp"
            raise Unresolvable((field,), message, "move it, or remove privateTmp")


def _check_sockets(spec: ProgramSpec) -> None:
    for index, socket in enumerate(spec.shared_sockets):
        where = ("sockets", index)
        for field, value, is_known in (
            ("owner", socket.owner, _is_user),
            ("group", socket.group, _is_group),
        ):
            if value is not None and not is_known(value):
                raise Unresolvable((*where, field), f"{value} is not known on this host")
        folder = os.path.dirname(socket.path or "/")
        if not door.is_folder(folder):
            raise Unresolvable((*where, "path"), f"{folder} is not a directory", _CREATE)


def _check_program(program: str, cwd: str, path: str, *where: str) -> None:
    folders = [""] if "/" in program else path.split(":")
    unfit = ""
    for folder in folders:  # as the kernel goes through PATH: the first that can be run
        file = os.path.normpath(os.path.join(cwd, folder, program))
        if door.is_file(file):
            if door.may_execute(file):
                return
            unfit = unfit or file
    if unfit:
        raise Unresolvable(where, f"{unfit} is not executable", "chmod +x it")
    message = f"there is no program {program} in PATH ({path})"
    if "/" in program:
        file = os.path.normpath(os.path.join(cwd, program))
        message = f"there is no program {file}"
        if door.is_link(file):
            message = f"{file} is a link to {door.readlink(file)}, which does not exist"
    raise Unresolvable(where, message, _how_to_install(program, cwd))


def _how_to_install(program: str, cwd: str) -> str:
    """For programs that some tool puts into the app's own directory, where no PATH leads."""
    for folder in _OWN if "/" not in program else ():
        if door.may_execute(os.path.join(cwd, folder, program)):
            return f"write {folder}/{program}, which is there"
    if "node_modules/.bin/" in program:
        return "install the packages: npm ci"
    if re.search(r"(^|/)\.?v?env/bin/", program):
        return "make the virtual environment: python3 -m venv, then pip install what it needs"
    return ""
