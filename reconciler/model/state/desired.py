"""Desired state: what the manifests say, resolved, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec, SettingsSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.expansion import expanded
from reconciler.model.words.nothing import nothing
from reconciler.model.words.sentence import Sentence
from reconciler.model.words.values import PerInstance


class Reason(StrEnum):
    """What kind of problem it is."""

    INVALID = "Invalid"
    """Something that is written, or that it refers to."""
    EMPTIED = "EmptiedFile"
    """An env or secret file is empty and was not."""
    UNKNOWN_PROFILE = "UnknownProfile"
    """No manifest has the profile that is asked for."""
    SHARED = "SharedManifests"
    """Another controller runs these manifests, too."""
    UNANSWERED = "Unanswered"
    """The file system of a path does not answer."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with a manifest: a place, what is wrong there, and what to do.

    ``line`` and ``column`` count from 1; 0 where the whole file is meant.
    """

    file: str
    line: int
    column: int
    path: str
    """Dotted field path, e.g. ``spec.env.PORT``; empty where none is to blame."""
    message: str
    apps: tuple[str, ...] = ()
    """The names that the file declares, as far as they can be read: none of them is taken over."""
    reason: Reason = Reason.INVALID
    remedy: str = ""
    """What to do, where there is anything to advise."""

    @property
    def text(self) -> str:
        """As it is shown: ``<message>; <remedy>``."""
        return str(Sentence(self.message, self.remedy))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.text}" if self.path else f"{place}: {self.text}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an app is declared."""

    file: str
    """Absolute path."""
    line: int
    """Of the document's first line, from 1."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One App or Job as declared: profile and defaults merged, paths absolute, secrets read."""

    name: str
    spec: ProgramSpec
    hash: str
    """See ``model.state.revision``: what a process that runs this is tagged with."""
    source: Source
    labels: Mapping[str, str] = field(default_factory=nothing)
    secrets: Mapping[str, str | bytes] | None = field(default_factory=nothing, repr=False)
    """Values of the variables that come from secretFile, fromEnv and dotenv files, each name
    once: a variable that plain ``env`` gives is not here. Bytes are the content of a credential.

    None where some cannot be read from here (`fromEnv` seen from another shell).
    """
    marks: Mapping[str, str] | None = field(default_factory=nothing)
    """``revision.marks_of(secrets)``; with those of its build as ``build.env.NAME``."""
    line: str = ""
    """`command` as written, where that is a string: only there quoted words are told from bare."""
    problem: Problem | None = None
    """Set when the file is wrong now, and this is the last good version of what it declared."""

    @property
    def builders(self) -> tuple[DesiredJob, ...]:
        """The Jobs of recon's own that belong to it."""
        return ()

    @property
    def credentials(self) -> dict[str, bytes]:
        """Contents of the files that each instance is handed, by the name of the variable."""
        secrets = self.secrets or {}
        return {name: data for name, data in secrets.items() if isinstance(data, bytes)}

    def argv(self, instance: int) -> tuple[str, ...]:
        """The command of one instance: `$(NAME)` is the app's own variable (Kubernetes)."""
        return expanded(self.spec.command, self.environment(instance))

    def environment(self, instance: int) -> dict[str, str]:
        """The variables that the manifest gives to one instance."""
        secrets = self.secrets or {}
        variables = {name: text for name, text in secrets.items() if isinstance(text, str)}
        for name, value in self.spec.env.items():
            if isinstance(value, str):
                variables[name] = value
            elif isinstance(value, PerInstance):
                variables[name] = str(value.per_instance + instance)
        return variables


W = TypeVar("W", bound=Workload)


def with_problem(app: W, problem: Problem | None) -> W:
    """The app with this problem, or without one; the same object where nothing changes."""
    return app if app.problem == problem else replace(app, problem=problem)


@dataclass(frozen=True, slots=True)
class DesiredJob(Workload):
    """One Job as declared."""

    spec: JobSpec

    def environment(self, instance: int) -> dict[str, str]:
        """The variables that the manifest gives to any run."""
        return Workload.environment(self, 0)


@dataclass(frozen=True, slots=True)
class DesiredApp(Workload):
    """One App as declared."""

    spec: AppSpec
    by_cores: str = ""
    """``max`` or ``max-1``, where `instances` is written so; the spec has the number of here."""
    builder: DesiredJob | None = None
    """The Job that builds it (``spec.build``), which is planned beside it."""

    @property
    def builders(self) -> tuple[DesiredJob, ...]:
        """The Jobs of recon's own that belong to it."""
        return () if self.builder is None else (self.builder,)


@dataclass(frozen=True, slots=True)
class Desired:
    """All that a directory of manifests says, as of one complete scan (or of one change since).

    A file that is wrong contributes the last good version of what it declared, with ``problem``
    set on each app, and its problems here.
    """

    apps: Mapping[str, Workload]
    problems: tuple[Problem, ...] = ()
    settings: SettingsSpec = field(default_factory=SettingsSpec)
    complete: bool = True
    """The directory was there and every folder in it could be listed."""
    root_id: tuple[int, int] | None = None
    """(st_dev, st_ino) of the directory: a swapped or unmounted one differs."""
    held: Problem | None = None
    """Why no manifest is read now: each app stays as it was."""
