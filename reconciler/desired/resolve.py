"""One declared app, resolved: profile merged, paths absolute, secrets read, program found.

The same code resolves a manifest and, from the journal, a revision of the past (``rebuild``).
"""

from __future__ import annotations

import dataclasses
import grp
import io
import os
import pwd
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dotenv.parser import parse_stream
from pydantic import BaseModel

from reconciler.desired import logplaces
from reconciler.desired.builder import builder_of
from reconciler.desired.files import read_regular
from reconciler.desired.ignore import unreadable
from reconciler.desired.trust import Trust, UntrustedError, trusting
from reconciler.desired.validate import Complaint, validate
from reconciler.desired.yaml import Path
from reconciler.model.build import Build
from reconciler.model.builder import builder_name
from reconciler.model.desired import DesiredApp, Problem, Source
from reconciler.model.env import RESERVED, Credential, EnvValue, FromEnv, SecretFile, is_variable
from reconciler.model.job import JobTerms
from reconciler.model.manifest import AppSpec
from reconciler.model.privileges import hidden_by_private_tmp
from reconciler.model.revision import hash_of, marks_of, template_of

MAX_SECRET = 1 << 20
"""Bytes of a secret's file, as systemd allows a credential (CREDENTIAL_SIZE_MAX)."""

Refusals = Callable[[AppSpec], Iterable[tuple[str, str]]]
"""What of a spec cannot be had on the host: dotted paths below ``spec``, and sentences."""


def nothing(spec: AppSpec) -> Iterable[tuple[str, str]]:
    """The host can do everything: where nobody has asked it."""
    return ()


class Unresolvable(Exception):
    """The manifest says something that cannot be had here: a field path and a sentence."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a manifest is resolved against."""

    environ: Mapping[str, str]
    key: bytes | None
    environ_is_ours: bool = True
    """False in the command line: there `fromEnv` would read another shell's environment."""
    check: bool = True
    """Look whether directories, programs and users exist (not for manifests of the past)."""
    refusals: Refusals = nothing
    """What this host cannot honour (``diff.enforceable``)."""
    cores: int = 1
    """How many processes `instances: max` is."""
    trust: Trust = dataclasses.field(default_factory=trusting)
    state: str | None = None
    """recon's own directory, links resolved."""


def resolve(
    name: str,
    spec: AppSpec,
    source: Source,
    around: Surroundings,
    *,
    folder: str,
    labels: Mapping[str, str] = MappingProxyType({}),
    job: JobTerms | None = None,
    by_cores: str = "",
) -> DesiredApp:
    """The app; raises Unresolvable. Relative paths are relative to ``folder``."""
    spec = absolute(spec, folder, name)
    for index in unreadable(spec.watch.ignore) if spec.watch else ():
        message = "is no pattern of .gitignore; write what it shall leave out, as *.map or /tmp/"
        raise Unresolvable(("watch", "ignore", index), message)
    secrets = _known_secrets(spec, around)
    marks = marks_of(secrets, around.key)
    hash = hash_of(template_of(spec), marks)
    builder = _builder(name, spec, source, around, folder) if spec.build else None
    app = DesiredApp(
        *(name, spec, hash, source, dict(labels), secrets, marks),
        by_cores=by_cores,
        job=job,
        builder=builder,
    )
    if around.check:
        _check(app, around)
    return app


def _builder(
    name: str, spec: AppSpec, source: Source, around: Surroundings, folder: str
) -> DesiredApp:
    """The Job that builds an app: what is wrong with it stands below `build`."""
    assert spec.build is not None
    program, terms = builder_of(spec, spec.build)
    try:
        return resolve(builder_name(name), program, source, around, folder=folder, job=terms)
    except Unresolvable as fault:
        raise Unresolvable(("build", *fault.path), fault.message) from None


def rebuild(
    name: str,
    spec: Mapping[str, Any],
    source: Source,
    environ: Mapping[str, str] = os.environ,
    key: bytes | None = None,
) -> DesiredApp | Problem:
    """An app as the journal remembers it; its secrets are read anew from where they are."""
    around = Surroundings(environ, key, check=False)
    model = validate(AppSpec, _known(AppSpec, spec))
    terms = validate(JobTerms, _known(JobTerms, spec))
    if not isinstance(model, AppSpec) or not isinstance(terms, JobTerms):
        where, said = [*_complaints(model), *_complaints(terms)][0]
        return Problem(source.file, source.line, 0, ".".join(map(str, ("spec", *where))), said)
    folder, job = os.path.dirname(source.file), terms if model.kind == "Job" else None
    try:
        return resolve(name, model, source, around, folder=folder, job=job)
    except Unresolvable as fault:
        path = ".".join(map(str, ("spec", *fault.path)))
        return Problem(source.file, source.line, 0, path, fault.message)


def _known(model: type[BaseModel], spec: Mapping[str, Any]) -> dict[str, Any]:
    """What this release knows of a spec that another may have written."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    return {name: spec[name] for name in spec if name in names}


def _complaints(found: BaseModel | list[Complaint]) -> list[Complaint]:
    return found if isinstance(found, list) else []


def absolute(spec: AppSpec, folder: str, name: str = "") -> AppSpec:
    """The spec of the app ``name`` with every path absolute."""

    def join(path: str) -> str:
        return os.path.normpath(os.path.join(folder, path))

    changes: dict[str, Any] = {"cwd": join(spec.cwd)}
    if spec.read_only_paths:
        changes["read_only_paths"] = tuple(map(join, spec.read_only_paths))
    if any(socket.path for socket in spec.sockets):
        changes["sockets"] = tuple(
            socket.model_copy(update={"path": join(socket.path)}) if socket.path else socket
            for socket in spec.sockets
        )
    if not spec.logs.is_apart:
        changes["logs"] = logplaces.absolute(spec.logs, join, name)
    changes |= _absolute_variables(spec, join)
    if spec.build is not None:
        changes["build"] = spec.build.model_copy(update=_absolute_variables(spec.build, join))
    return spec.model_copy(update=changes)


def _absolute_variables(of: AppSpec | Build, join: Callable[[str], str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if of.env_from:
        changes["env_from"] = tuple(
            file.model_copy(update={"file": join(file.file)}) for file in of.env_from
        )
    if any(isinstance(value, SecretFile | Credential) for value in of.env.values()):
        changes["env"] = {name: _joined(value, join) for name, value in of.env.items()}
    return changes


def _joined(value: EnvValue, join: Callable[[str], str]) -> EnvValue:
    if isinstance(value, SecretFile):
        return SecretFile(secretFile=join(value.secret_file))
    if isinstance(value, Credential):
        return Credential(credential=join(value.credential))
    return value


def dependencies(spec: AppSpec) -> Iterator[str]:
    """The files whose content is part of the app (of a spec with absolute paths)."""
    for of in (spec, spec.build) if spec.build else (spec,):
        for file in of.env_from:
            yield file.file
        for value in of.env.values():
            if isinstance(value, SecretFile):
                yield value.secret_file
            elif isinstance(value, Credential):
                yield value.credential


def _known_secrets(spec: AppSpec, around: Surroundings) -> dict[str, str | bytes] | None:
    """The secrets; None in a review elsewhere (of a base, in CI), where files need not be."""
    try:
        return read_secrets(spec, around)
    except Unresolvable:
        if around.check or around.environ_is_ours:
            raise
        return None


def read_secrets(spec: AppSpec, around: Surroundings) -> dict[str, str | bytes] | None:
    """The values of all variables that are references; None where some are not ours to read."""
    secrets: dict[str, str | bytes] = {}
    trust = around.trust.with_user(spec.user)
    for index, file in enumerate(spec.env_from):
        secrets.update(_dotenv(file.file, file.optional, ("envFrom", index), trust))
    readable = True
    for name, value in spec.env.items():
        if isinstance(value, SecretFile):
            secrets[name] = _secret_file(value.secret_file, ("env", name, "secretFile"), trust)
        elif isinstance(value, Credential):
            secrets[name] = _content(value.credential, ("env", name, "credential"), trust)
        elif isinstance(value, FromEnv):
            readable = readable and around.environ_is_ours
            if value.from_env in around.environ:
                secrets[name] = around.environ[value.from_env]
            elif around.environ_is_ours:
                message = f"{value.from_env} is not in the environment recon was started with"
                raise Unresolvable(("env", name, "fromEnv"), message)
        else:
            secrets.pop(name, None)
    return secrets if readable else None


def secret_text(path: str, trust: Trust) -> str:
    """What a variable gets from a secret's file. OSError, or ValueError where that is no UTF-8."""
    return _less_line_end(read_regular(path, MAX_SECRET, trust).decode())


def _secret_file(path: str, where: Path, trust: Trust) -> str:
    text = _read(path, where, trust)
    if "\0" in text:
        raise Unresolvable(where, f"{path} holds a NUL byte, which no environment can")
    return _less_line_end(text)


def _less_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _dotenv(path: str, optional: bool, where: Path, trust: Trust) -> Iterator[tuple[str, str]]:
    if optional and not os.path.lexists(path):
        return
    for binding in parse_stream(io.StringIO(_read(path, where, trust))):
        if binding.error:
            message = f"{path}:{binding.original.line}: cannot be understood; write NAME=value"
            raise Unresolvable(where, message)
        if binding.key is not None:
            _check_variable(path, binding.original.line, binding.key, binding.value, where)
            yield binding.key, binding.value or ""


def _check_variable(path: str, line: int, name: str, value: str | None, where: Path) -> None:
    """The rules of `env` hold for what a dotenv file says, too. The value is never told.

    Nor is a name that is none: it may be a line of a key that was pasted without quotes.
    """
    if value is None or not is_variable(name):
        told = f"{path}:{line}: is not NAME=value; text of several lines needs quotes around it"
        raise Unresolvable(where, told)
    if "\0" in name or "\0" in (value or ""):
        raise Unresolvable(where, f"{path}:{line}: holds a NUL byte, which no environment can")
    if name in RESERVED:
        message = f"{path}:{line}: {name} {RESERVED[name]}; it cannot be set"
        raise Unresolvable(where, message)


def _read(path: str, where: Path, trust: Trust) -> str:
    try:
        return _content(path, where, trust).decode()
    except UnicodeDecodeError:
        raise Unresolvable(where, f"{path}: not UTF-8") from None


def _content(path: str, where: Path, trust: Trust) -> bytes:
    try:
        return read_regular(path, MAX_SECRET, trust)
    except UntrustedError as error:
        raise Unresolvable(where, error.message) from None
    except FileNotFoundError:
        remedy = "create it or mend the path"
        if where[0] == "envFrom":
            remedy = "create it, mend the path, or write {file: FILE, optional: true}"
        raise Unresolvable(where, f"{path} does not exist; {remedy}") from None
    except OSError as error:
        raise Unresolvable(where, f"{path}: {error.strerror}") from None


def _check(app: DesiredApp, around: Surroundings) -> None:
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
        if value is None or value.isdigit():
            continue
        try:
            known()
        except KeyError:
            raise Unresolvable((field,), f"there is no {field} {value} on this host") from None


def _check_privileges(spec: AppSpec) -> None:
    for index, group in enumerate(spec.supplementary_groups):
        try:
            _ = None if group.isdigit() else grp.getgrnam(group)
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
            if value is None or value.isdigit():
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
    raise Unresolvable(where, told + _how_to_install(program))


def _how_to_install(program: str) -> str:
    """For programs that some tool puts into the app's own directory."""
    if "node_modules/.bin/" in program:
        return "; install the packages: npm ci"
    if re.search(r"(^|/)\.?v?env/bin/", program):
        return "; make the virtual environment: python3 -m venv, then pip install what it needs"
    return ""
