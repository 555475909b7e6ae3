"""Manifests: what a user may write. Names and defaults are Kubernetes' where it has the concept.

Every field of :class:`AppSpec` is declared ``template`` or ``in_place`` (see ``fields``).
A field stands here only once recon does what it says; anything else is an unknown-field error.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.build import Build
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.notify import Notify
from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.spec.socket import Socket, Sockets
from reconciler.model.spec.strategy import Strategy
from reconciler.model.spec.target import EngineAddress
from reconciler.model.words.fields import in_place, is_own, own, template
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import (
    Cron,
    Flag,
    Instances,
    Name,
    Seconds,
    TimeZone,
    Whole,
)

API_VERSION = "recon/v1"


class AppSpec(ProgramSpec):
    """Everything about an App but its name."""

    sockets: Sockets = template((), "listening sockets that all instances share")
    instances: Instances = in_place(
        1,
        "how many processes: a number, `max` (the cores that recon may use) or `max-1`; an increase"
        " that the host has no room for waits for `recon apply --confirm-load`",
        decides_readiness=False,
    )
    strategy: Strategy = in_place(
        Strategy(), "how an update replaces processes", decides_readiness=True
    )
    startup_probe: Probe | None = in_place(
        None, "no other probe runs until this one succeeds", decides_readiness=True
    )
    readiness_probe: Probe | None = in_place(
        None, "when an instance counts as ready", decides_readiness=True
    )
    liveness_probe: Probe | None = in_place(
        None, "an instance that fails it is replaced", decides_readiness=True
    )
    min_ready_seconds: Seconds | None = in_place(
        None,
        "how long an instance must be ready to be available [0 with a probe, else 1 second up]",
        decides_readiness=True,
    )
    progress_deadline_seconds: Seconds = in_place(
        600,
        "recon gives up a new revision that makes no progress for this long",
        decides_readiness=True,
    )
    restart_policy: RestartPolicy = in_place(
        RestartPolicy.ALWAYS, "Always, OnFailure or Never", decides_readiness=True
    )
    restart_schedule: Cron | None = in_place(
        None, "when to restart it, in cron's syntax", decides_readiness=False
    )
    time_zone: TimeZone | None = in_place(
        None, "time zone of `restartSchedule` [the host's]", decides_readiness=False
    )
    build: Build | None = in_place(
        None, "a command that recon runs before a rollout", decides_readiness=False
    )
    built: SkipJsonSchema[str] = own("", "the hash of the build that this revision uses")

    @model_validator(mode="after")
    def _deadline_can_be_met(self) -> AppSpec:
        # Kubernetes: ValidateDeploymentSpec; here each update would be given up.
        if self.progress_deadline_seconds <= self.min_ready:
            raise InvalidValue(
                f"progressDeadlineSeconds is {self.progress_deadline_seconds:g}",
                f"it must be more than minReadySeconds ({self.min_ready:g}), or no update could "
                "succeed",
            )
        return self

    @model_validator(mode="after")
    def _probes_fit_their_roles(self) -> AppSpec:
        # Kubernetes: validateLivenessProbe, validateStartupProbe.
        for role in (ProbeRole.STARTUP, ProbeRole.LIVENESS):
            probe = self.probes.get(role)
            if probe is not None and probe.success_threshold != 1:
                raise ValueError(f"{role}Probe.successThreshold must be 1")
        fault = self.liveness_probe.kind.liveness_fault if self.liveness_probe else None
        if fault is not None:
            raise InvalidValue(f"livenessProbe: {fault.message}", fault.remedy)
        return self

    @property
    def min_ready(self) -> float:
        """Seconds an instance must have been ready to be available.

        Kubernetes' default of 0 is kept where a probe speaks for the program. Without one, a
        program that dies at its first line would be 'available' for an instant, and a rolling
        update would replace every good process by it; so it must stay up for a second.
        """
        if self.min_ready_seconds is not None:
            return self.min_ready_seconds
        return 0.0 if self.readiness_probe or self.startup_probe else 1.0

    @property
    def probes(self) -> dict[ProbeRole, Probe]:
        """Those that are declared."""
        if not (self.startup_probe or self.readiness_probe or self.liveness_probe):
            return {}  # of most apps, and asked seven times a start
        every = {
            ProbeRole.STARTUP: self.startup_probe,
            ProbeRole.READINESS: self.readiness_probe,
            ProbeRole.LIVENESS: self.liveness_probe,
        }
        return {role: probe for role, probe in every.items() if probe is not None}

    @property
    def shared_sockets(self) -> tuple[Socket, ...]:
        """The listening sockets as they are declared."""
        return self.sockets

    @property
    def wanted(self) -> int:
        """How many instances should run now."""
        return 0 if self.suspend else self.instances


Profiles = dict[Name, dict[str, Any]]


@cache
def _own_fields(model: type[ProgramSpec]) -> tuple[str, ...]:
    """The names of the fields that recon fills in."""
    fields = model.model_fields.items()
    return tuple(field.alias or name for name, field in fields if is_own(field))


class Written(ProgramSpec):
    """A spec as written in a file: with the profiles that may be merged over it."""

    profiles: Profiles = Field({}, description="fields that `--profile NAME` merges over the spec")

    @model_validator(mode="before")
    @classmethod
    def _no_reserved_fields(cls, data: Any) -> Any:
        for name in _own_fields(cls):
            if isinstance(data, dict) and name in data:
                raise InvalidValue(f"{name} is filled in by recon", "remove it")
        return data


class AppManifestSpec(AppSpec, Written):
    """The spec of an App in a file."""


class JobManifestSpec(JobSpec, Written):
    """The spec of a Job in a file."""


class Metadata(Manifest):
    name: Name = Field(description="[a-z0-9-], unique in the whole directory")
    labels: dict[str, str] = in_place({}, "free labels, for --selector", decides_readiness=False)


class App(Manifest):
    """A long-running program."""

    api_version: Literal["recon/v1"]
    kind: Literal["App"]
    metadata: Metadata
    spec: AppManifestSpec


class Job(Manifest):
    """A program that runs to its end: once per revision or, with a schedule, as cron would."""

    api_version: Literal["recon/v1"]
    kind: Literal["Job"]
    metadata: Metadata
    spec: JobManifestSpec


WORKLOADS: Mapping[str, type[App | Job]] = {"App": App, "Job": Job}
"""What a document may declare by a name, by its ``kind``."""


class SettingsSpec(Manifest):
    defaults: dict[str, Any] = Field({}, description="defaults for the spec of every app")
    max_prune: Whole | None = Field(
        None,
        ge=0,
        description="if more apps are removed at once, they wait for `recon apply --confirm-prune`",
    )
    allow_empty: Flag = Field(False, description="an empty directory stops all apps")
    profile: Name | None = Field(None, description="the profile, unless --profile is given")
    target: EngineAddress | None = Field(
        None,
        description="the engine that the manifests are for, unless --target is given: host, "
        "kubernetes[:CONTEXT] or nomad[:ADDRESS]",
    )
    part_of: Name | None = Field(
        None,
        description="the name of this directory on an engine; there only what has it is removed",
    )
    notify: Notify = Field(
        (), description="who is notified of problems, and of their end: a list of receivers"
    )


class Settings(Manifest):
    """``recon.yaml`` at the root of the manifests' directory."""

    api_version: Literal["recon/v1"]
    kind: Literal["Settings"]
    metadata: dict[str, Any] | None = None
    spec: SettingsSpec = SettingsSpec()
