"""One declared app, resolved: profile merged, paths absolute, secrets read, program found.

The same code resolves a manifest and, from the journal, a revision of the past (``rebuild``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from reconciler.desired.environment.filled import Filled
from reconciler.desired.environment.variables import known_secrets
from reconciler.desired.manifest import logplaces
from reconciler.desired.manifest.builder import builder_of
from reconciler.desired.manifest.presence import check
from reconciler.desired.manifest.sharing import share
from reconciler.desired.manifest.surroundings import Surroundings, Unresolvable
from reconciler.desired.manifest.validate import validate
from reconciler.desired.watched.ignore import unreadable
from reconciler.model.spec.build import Build
from reconciler.model.spec.env import Credential, EnvValue, SecretFile
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.builder import builder_name
from reconciler.model.state.desired import DesiredApp, DesiredJob, Problem, Reason, Source, Workload
from reconciler.model.state.revision import hash_of, is_job, marks_of, template_of
from reconciler.model.words.expansion import references
from reconciler.model.words.nothing import NOTHING
from reconciler.model.words.values import PerInstance
from reconciler.system.work.door import UnansweredError

S = TypeVar("S", bound=ProgramSpec)


def resolve(
    name: str,
    spec: AppSpec | JobSpec,
    source: Source,
    around: Surroundings,
    *,
    folder: str,
    labels: Mapping[str, str] = NOTHING,
    by_cores: str = "",
    line: str = "",
) -> DesiredApp | DesiredJob:
    """The App or Job; raises Unresolvable. Relative paths are relative to ``folder``."""
    spec = absolute(spec, folder, name)
    for index in unreadable(spec.watch.ignore) if spec.watch else ():
        message = "is not a valid .gitignore pattern"
        raise Unresolvable(("watch", "ignore", index), message, "write e.g. *.map or /tmp/")
    secrets: Mapping[str, str | bytes] | None = known_secrets(spec, around)
    if not secrets and secrets is not None:
        secrets = NOTHING
    _refuse_secrets_in(spec, secrets)
    marks = marks_of(secrets, around.key)
    hash = hash_of(template_of(spec), marks)
    labels = dict(labels) or NOTHING
    app: DesiredApp | DesiredJob
    if isinstance(spec, JobSpec):
        app = DesiredJob(name, spec, hash, source, labels, secrets, marks, line)
    else:
        app = DesiredApp(
            *(name, spec, hash, source, labels, secrets, marks, line), by_cores=by_cores
        )
    if around.check:
        check(app, around)
    if isinstance(app, DesiredJob) or app.spec.build is None:
        return app
    return replace(app, builder=_builder(name, app.spec, source, around, folder))


def _refuse_secrets_in(spec: ProgramSpec, secrets: Mapping[str, str | bytes] | None) -> None:
    """A command line can be read by every user of the host (``ps``)."""
    plain = {name for name, value in spec.env.items() if isinstance(value, str | PerInstance)}
    declared = {*(secrets or ()), *spec.env} - plain
    for index, name in references(spec.command):
        if name in declared:
            message = (
                f"$({name}) would show a secret to all users of this host, who can read commands"
            )
            remedy = f"have the program read the variable {name} itself"
            raise Unresolvable(("command", index), message, remedy)


def _builder(
    name: str, spec: AppSpec, source: Source, around: Surroundings, folder: str
) -> DesiredJob:
    """The Job that builds an app: what is wrong with it stands below `build`."""
    assert spec.build is not None
    job = builder_of(spec, spec.build)
    try:
        builder = resolve(builder_name(name), job, source, around, folder=folder)
    except Unresolvable as fault:
        inside = fault.path[1:] if fault.path[0] == "watch" else fault.path
        raise Unresolvable(
            ("build", *inside), fault.message, fault.remedy, reason=fault.reason
        ) from None
    assert isinstance(builder, DesiredJob)
    return builder


def rebuild(
    name: str,
    spec: Mapping[str, Any],
    source: Source,
    environ: Mapping[str, str] = os.environ,
    *,
    key: bytes | None = None,
    filled: Filled | None = None,
    without: bool = False,
) -> Workload | Problem:
    """An app as the journal remembers it; its secrets are read again from where they are.

    ``filled``: the files that were not empty once (see ``desired.environment.filled``).
    ``without``: where its secrets cannot be read they are None, so that the app is known
    nevertheless.
    """
    around = Surroundings(
        environ, key, environ_is_own=not without, check=False, filled=filled or Filled()
    )
    kind: type[AppSpec | JobSpec] = JobSpec if is_job(spec) else AppSpec
    model = validate(kind, _known(kind, spec))
    if isinstance(model, list):
        first = model[0]
        path = ".".join(map(str, ("spec", *first.path)))
        return Problem(source.file, source.line, 0, path, first.message, remedy=first.remedy)
    try:
        return resolve(name, model, source, around, folder=os.path.dirname(source.file))
    except Unresolvable as fault:
        path = ".".join(map(str, ("spec", *fault.path)))
        return Problem(source.file, source.line, 0, path, fault.message, remedy=fault.remedy)
    except UnansweredError as error:
        at = (source.file, source.line, 0, "spec")
        return Problem(*at, error.message, reason=Reason.UNANSWERED, remedy=error.remedy)


def _known(model: type[BaseModel], spec: Mapping[str, Any]) -> dict[str, Any]:
    """What this release knows of a spec that another may have written."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    return {name: spec[name] for name in spec if name in names}


def absolute(spec: S, folder: str, name: str = "") -> S:
    """The spec of the app ``name`` with every path absolute."""

    def join(path: str) -> str:
        return os.path.normpath(os.path.join(folder, path))

    changes: dict[str, Any] = {"cwd": join(spec.cwd)}
    if spec.read_only_paths:
        changes["read_only_paths"] = tuple(map(join, spec.read_only_paths))
    if not spec.logs.is_apart:
        changes["logs"] = logplaces.absolute(spec.logs, join, name)
    changes |= _absolute_variables(spec, join)
    if isinstance(spec, AppSpec):
        changes |= _absolute_of_app(spec, join)
    return share(spec.model_copy(update=changes))


def _absolute_of_app(spec: AppSpec, join: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    if any(socket.path for socket in spec.sockets):
        yield (
            "sockets",
            tuple(
                socket.model_copy(update={"path": join(socket.path)}) if socket.path else socket
                for socket in spec.sockets
            ),
        )
    if spec.build is not None:
        yield "build", spec.build.model_copy(update=_absolute_variables(spec.build, join))


def _absolute_variables(of: ProgramSpec | Build, join: Callable[[str], str]) -> dict[str, Any]:
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
        return value.model_copy(update={"secret_file": join(value.secret_file)})
    if isinstance(value, Credential):
        return value.model_copy(update={"credential": join(value.credential)})
    return value


def dependencies(spec: ProgramSpec) -> Iterator[str]:
    """The files whose content is part of the app, as they are written."""
    build = spec.build if isinstance(spec, AppSpec) else None
    for of in (spec, build) if build else (spec,):
        for file in of.env_from:
            yield file.file
        for value in of.env.values():
            if isinstance(value, SecretFile):
                yield value.secret_file
            elif isinstance(value, Credential):
                yield value.credential
