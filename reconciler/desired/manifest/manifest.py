"""One file's text becomes apps and settings, or problems with their places."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.desired.manifest import unforeseen
from reconciler.desired.manifest.merge import spec_of
from reconciler.desired.manifest.resolve import dependencies, resolve
from reconciler.desired.manifest.surroundings import Surroundings, Unresolvable
from reconciler.desired.manifest.validate import Complaint, Kind, suggestion, unfit_texts, validate
from reconciler.desired.text import yaml
from reconciler.desired.text.yaml import Document, Path
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import (
    API_VERSION,
    WORKLOADS,
    App,
    AppSpec,
    Job,
    Settings,
    SettingsSpec,
)
from reconciler.model.state.desired import Problem, Reason, Source, Workload
from reconciler.system.work.door import UnansweredError

_KINDS = {*WORKLOADS, "Settings"}


@dataclass(frozen=True, slots=True)
class Context:
    """What a file is read in: the directory's settings, the profile, and what is around."""

    around: Surroundings
    settings: SettingsSpec = field(default_factory=SettingsSpec)
    profile: str | None = None
    settings_allowed: bool = False
    """The file is ``recon.yaml`` at the root."""
    folder: str | None = None
    """Relative paths are relative to this; None: to the file's own folder."""


@dataclass(slots=True)
class Contents:
    """What a file declares. With problems, what is here is incomplete."""

    apps: list[Workload] = field(default_factory=list)
    settings: SettingsSpec | None = None
    problems: list[Problem] = field(default_factory=list)
    documents: int = 0
    """How many documents hold anything."""
    dependencies: set[str] = field(default_factory=set)
    """Env and secret files that the apps refer to, whether they are there or not."""
    profiles: set[str] = field(default_factory=set)


def read(file: str, content: bytes, context: Context) -> Contents:
    """The contents of one file; never raises for what is in it."""
    contents = Contents()
    try:
        documents = yaml.parse(yaml.decode(content))
    except yaml.Fault as fault:
        contents.problems.append(
            Problem(file, fault.line, fault.column, "", fault.message, remedy=fault.remedy)
        )
        return contents
    except Exception as error:
        message, remedy = unforeseen.report(file, 1, error)
        contents.problems.append(Problem(file, 1, 1, "", message, remedy=remedy))
        return contents
    contents.documents = len(documents)
    for document in documents:
        _read_guarded(file, document, context, contents)
    _refuse_twins(file, contents)
    return contents


def _read_guarded(file: str, document: Document, context: Context, contents: Contents) -> None:
    """Read one document. An unforeseen error is a problem at the field that causes it."""

    def is_well(data: Any) -> bool:
        found = Contents()
        _Reader(file, replace(document, data=data), context, found).read()
        return not found.problems

    try:
        _Reader(file, document, context, contents).read()
    except Exception as error:
        path = unforeseen.culprit(document.data, is_well)
        line, column = document.place(path)
        message, remedy = unforeseen.report(file, line, error)
        contents.problems.append(Problem(file, line, column, _shown(path), message, remedy=remedy))


@dataclass(slots=True)
class _Reader:
    """One document on its way."""

    file: str
    document: Document
    context: Context
    contents: Contents

    def read(self) -> None:
        data = self.document.data
        faults = [*unfit_texts(data)] if self.document.has_escapes else []
        if faults:
            self._complain(faults)
        elif not isinstance(data, dict):
            self._problem((), "a manifest is a map with apiVersion, kind, metadata and spec")
        elif str(data.get("kind")) not in _KINDS or data.get("apiVersion") != API_VERSION:
            self._refuse_kind(data)
        elif data["kind"] == "Settings":
            self._settings(data)
        else:
            self._app(data, WORKLOADS[data["kind"]])

    def _refuse_kind(self, data: Mapping[str, Any]) -> None:
        version, kind = data.get("apiVersion"), data.get("kind")
        if version != API_VERSION:
            message = "is required" if version is None else f"{version!r} is not known"
            self._problem(("apiVersion",), message, f"write {API_VERSION}")
        if str(kind) not in _KINDS:
            message = "is required" if kind is None else f"{kind!r} is not known"
            near = suggestion(str(kind), _KINDS)
            self._problem(("kind",), message + near, "" if near else "write App or Job")

    def _settings(self, data: Mapping[str, Any]) -> None:
        if not self.context.settings_allowed:
            self._problem(("kind",), "Settings belong into recon.yaml at the directory's root")
            return
        found = validate(Settings, data)
        if not isinstance(found, Settings):
            self._complain(found)
        elif self.contents.settings is not None:
            self._problem((), "Settings stand in this file twice", "keep one")
        else:
            self.contents.settings = found.spec
            self._check_defaults(found.spec.defaults)

    def _check_defaults(self, defaults: Mapping[str, Any]) -> None:
        """What is wrong in the defaults is told here once, not in every app."""
        found = validate(AppSpec, {"command": ["any"], **defaults})
        if not isinstance(found, AppSpec):
            self._complain([one._replace(path=("spec", "defaults", *one.path)) for one in found])

    def _app(self, data: Mapping[str, Any], kind: type[App | Job]) -> None:
        written = data.get("spec")
        if not isinstance(written, dict):
            self._complain_of(kind, data)
            return
        profiles = written.get("profiles") or {}
        if not isinstance(profiles, dict):
            self._complain_of(kind, data)
            return
        self.contents.profiles |= set(profiles)
        for name in sorted(profiles.keys() - {self.context.profile}):
            self._check_profile(data, kind, written, name)
        spec = spec_of(written, self._defaults(kind), self.context.profile)
        app = validate(kind, {**data, "spec": spec}, cores=self.context.around.cores)
        if isinstance(app, App | Job):
            self._resolve(app, spec)
        else:
            self._complain([_of_kind(kind, one) for one in app])

    def _defaults(self, kind: type[App | Job]) -> Mapping[str, Any]:
        """Those of the directory's defaults that a manifest of this kind can have."""
        defaults = self.context.settings.defaults
        if kind is App:
            return defaults
        known = {field.alias or name for name, field in JobSpec.model_fields.items()}
        return {name: value for name, value in defaults.items() if name in known}

    def _check_profile(
        self, data: Mapping[str, Any], kind: type[App | Job], written: dict[str, Any], name: str
    ) -> None:
        """A profile that is not in use may be wrong as well."""
        spec = spec_of(written, self._defaults(kind), name)
        found = validate(kind, {**data, "spec": spec})
        if not isinstance(found, App | Job):
            here = ("spec", "profiles", name)
            complaints = [one._replace(path=(*here, *one.path[1:])) for one in found]
            self._complain([one for one in complaints if one.path in self.document.marks])

    def _resolve(self, app: App | Job, written: Mapping[str, Any]) -> None:
        """``written``: the spec before it was validated."""
        folder = self.context.folder or os.path.dirname(self.file)
        spec = _less_profiles(app.spec)
        files = dependencies(spec)
        self.contents.dependencies |= {os.path.normpath(os.path.join(folder, f)) for f in files}
        try:
            self.contents.apps.append(
                resolve(
                    app.metadata.name,
                    spec,
                    Source(self.file, self.document.line),
                    self.context.around,
                    folder=folder,
                    labels=app.metadata.labels,
                    by_cores=_text(written.get("instances")),
                    line=_text(written.get("command")),
                )
            )
        except Unresolvable as fault:
            self._problem(("spec", *fault.path), fault.message, fault.remedy, fault.reason)
        except UnansweredError as error:
            self._problem(("spec",), error.message, error.remedy, Reason.UNANSWERED)
        for path, why in self.context.around.refusals(spec):
            steps = (int(step) if step.isdecimal() else step for step in path.split("."))
            self._problem(("spec", *steps), *why)

    def _complain_of(self, model: type[App | Job], data: Mapping[str, Any]) -> None:
        found = validate(model, data)
        if not isinstance(found, App | Job):
            self._complain(found)

    def _complain(self, complaints: list[Complaint]) -> None:
        for one in complaints:
            is_key = one.kind is Kind.UNKNOWN_FIELD
            self._problem(one.path, one.message, one.remedy, is_key=is_key)

    def _problem(
        self,
        path: Path,
        message: str,
        remedy: str = "",
        reason: Reason = Reason.INVALID,
        *,
        is_key: bool = False,
    ) -> None:
        """``is_key``: what stands there is the field's name, not its value."""
        line, column = self._place(path, is_key=is_key)
        at = (self.file, line, column, _shown(path))
        self.contents.problems.append(Problem(*at, message, reason=reason, remedy=remedy))

    def _place(self, path: Path, *, is_key: bool) -> tuple[int, int]:
        """Where a value was written: in the profile, if that has it, else in the spec."""
        profile = self.context.profile
        if profile is not None and path[:1] == ("spec",):
            inside = ("spec", "profiles", profile, *path[1:])
            if inside in self.document.marks:
                path = inside
        return self.document.key_place(path) if is_key else self.document.place(path)


def _shown(path: Path) -> str:
    """A path with dots. A key `NAME=value` may hold a secret."""
    return ".".join(str(step).partition("=")[0] for step in path)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _of_kind(kind: type[App | Job], found: Complaint) -> Complaint:
    """The complaint; of a field that only manifests of the other kind have it says that."""
    other = AppSpec if kind is Job else JobSpec
    names = {field.alias or name for name, field in other.model_fields.items()}
    path = found.path
    if found.kind is not Kind.UNKNOWN_FIELD or len(path) != 2 or path[1] not in names:
        return found
    here, there = ("a Job", "an App") if kind is Job else ("an App", "a Job")
    return found._replace(message=f"unknown field: {there} has it, {here} has not", remedy="")


def _less_profiles(written: AppSpec | JobSpec) -> AppSpec | JobSpec:
    """The spec itself: the same values, valid already, and the same fields set.

    By hand, because ``model_construct`` copies all defaults first: a tenth of a manifest's time.
    """
    model: type[AppSpec | JobSpec] = JobSpec if isinstance(written, JobSpec) else AppSpec
    names, values = model.model_fields.keys(), written.__dict__
    fresh = model.__new__(model)
    object.__setattr__(fresh, "__dict__", {name: values[name] for name in names})
    object.__setattr__(fresh, "__pydantic_fields_set__", written.model_fields_set & names)
    object.__setattr__(fresh, "__pydantic_extra__", None)
    object.__setattr__(fresh, "__pydantic_private__", None)
    return fresh


def _refuse_twins(file: str, contents: Contents) -> None:
    lines: dict[str, int] = {}
    for app in contents.apps:
        first = lines.setdefault(app.name, app.source.line)
        if first != app.source.line:
            message = f"{app.name} is also declared in line {first}"
            at = (file, app.source.line, 1, "metadata.name")
            contents.problems.append(Problem(*at, message, remedy="a name must be unique"))
