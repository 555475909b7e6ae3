"""A value for each field that a manifest may have: what holds exporters to all of them.

``FIELDS`` is walked from the model, so a new field is in it on the day on which it is written.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from reconciler.model.spec.env import Credential, FromEnv, SecretFile
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, DesiredJob, Source, Workload
from reconciler.model.words.fields import is_own
from reconciler.model.words.values import PerInstance

_VALUES = {PerInstance, SecretFile, FromEnv, Credential}
"""What may stand in the place of a text."""
Sample = tuple[Any, Any]
"""The spec without the field, and with it: what both have is what the field needs."""

_HTTP: dict[str, Any] = {"port": 3000}
_TCP: dict[str, Any] = {"port": 3000}


def _probe(field: str) -> dict[str, Sample]:
    def of(probe: Any) -> Any:
        return {field: probe}

    base = of({"httpGet": _HTTP})
    return {
        f"{field}.httpGet.port": (base, of({"httpGet": {"port": 3001}})),
        f"{field}.httpGet.path": (base, of({"httpGet": {**_HTTP, "path": "/up"}})),
        f"{field}.httpGet.host": (base, of({"httpGet": {**_HTTP, "host": "127.0.0.1"}})),
        f"{field}.httpGet.scheme": (base, of({"httpGet": {**_HTTP, "scheme": "HTTPS"}})),
        f"{field}.httpGet.httpHeaders.name": _headers(of, {"name": "Y", "value": "1"}),
        f"{field}.httpGet.httpHeaders.value": _headers(of, {"name": "X", "value": "2"}),
        f"{field}.tcpSocket.port": (of({"tcpSocket": _TCP}), of({"tcpSocket": {"port": 3001}})),
        f"{field}.tcpSocket.host": (
            of({"tcpSocket": _TCP}),
            of({"tcpSocket": {**_TCP, "host": "127.0.0.1"}}),
        ),
        f"{field}.exec.command": ({}, of({"exec": {"command": ["check"]}})),
        **({} if field == "livenessProbe" else {f"{field}.log": ({}, of({"log": "up"}))}),
        f"{field}.notify": ({}, of({"notify": True})),
        **{
            f"{field}.{name}": (base, of({"httpGet": _HTTP, name: value}))
            for name, value in (
                ("initialDelaySeconds", 7),
                ("periodSeconds", 7),
                ("timeoutSeconds", 7),
                ("failureThreshold", 7),
            )
        },
        # A startup or a liveness probe has 1 at any rate.
        f"{field}.successThreshold": (
            base,
            of({"httpGet": _HTTP, "successThreshold": 2 if field == "readinessProbe" else 1}),
        ),
    }


def _headers(of: Any, header: dict[str, str]) -> Sample:
    before = of({"httpGet": {**_HTTP, "httpHeaders": [{"name": "X", "value": "1"}]}})
    return before, of({"httpGet": {**_HTTP, "httpHeaders": [header]}})


def _in(name: str, base: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Sample]:
    return {
        f"{name}.{field}": ({name: base} if base else {}, {name: {**base, field: value}})
        for field, value in values.items()
    }


_LIMITS: dict[str, Any] = {
    "memory": "300Mi",
    "memoryHard": "400Mi",
    "cpu": "1.5",
    "processes": 64,
    "openFiles": 4096,
    "coreSize": 0,
    "nice": 5,
    "oomScoreAdjust": 500,
    "ioPriority": "idle",
    "cpuAffinity": "0-1",
}
_BUILD: dict[str, Any] = {"command": ["make"], "inputs": ["src"]}
_TCP_SOCKET: dict[str, Any] = {"name": "http", "port": 3000}
_UNIX_SOCKET: dict[str, Any] = {"name": "own", "path": "/run/x.sock"}

_COMMON: dict[str, Sample] = {
    "command": ({}, {"command": ["other"]}),
    "image": ({}, {"image": "other:2"}),
    "cwd": ({}, {"cwd": "/other"}),
    "env": ({}, {"env": {"A": "b"}}),
    "env.perInstance": ({}, {"env": {"A": {"perInstance": 3000}}}),
    "env.secretFile": ({}, {"env": {"A": {"secretFile": "/etc/pw"}}}),
    "env.fromEnv": ({}, {"env": {"A": {"fromEnv": "B"}}}),
    "env.credential": ({}, {"env": {"A": {"credential": "/etc/key"}}}),
    "env.allowEmpty": (
        {"env": {"A": {"secretFile": "/etc/pw"}}},
        {"env": {"A": {"secretFile": "/etc/pw", "allowEmpty": True}}},
    ),
    "envFrom.file": ({}, {"envFrom": [{"file": "/srv/.env"}]}),
    "envFrom.optional": (
        {"envFrom": [{"file": "/srv/.env"}]},
        {"envFrom": [{"file": "/srv/.env", "optional": True}]},
    ),
    "envFrom.allowEmpty": (
        {"envFrom": [{"file": "/srv/.env"}]},
        {"envFrom": [{"file": "/srv/.env", "allowEmpty": True}]},
    ),
    "user": ({}, {"user": "1000"}),
    "group": ({}, {"group": "1000"}),
    "umask": ({}, {"umask": "027"}),
    "supplementaryGroups": ({}, {"supplementaryGroups": ["4"]}),
    "noNewPrivileges": ({}, {"noNewPrivileges": True}),
    "capabilities.drop": ({}, {"capabilities": {"drop": ["NET_RAW"]}}),
    "readOnlyPaths": ({}, {"readOnlyPaths": ["/"]}),
    "privateTmp": ({}, {"privateTmp": True}),
    "revisionHistoryLimit": ({}, {"revisionHistoryLimit": 3}),
    **_in("backoff", {}, {"initialSeconds": 2, "maxSeconds": 90, "resetSeconds": 90}),
    "successExitCodes": ({}, {"successExitCodes": [78]}),
    **_in("stop", {}, {"signal": "SIGINT", "preStop": ["drain"]}),
    "terminationGracePeriodSeconds": ({}, {"terminationGracePeriodSeconds": 7}),
    **_in("limits", {}, _LIMITS),
    **_in(
        "logs",
        {},
        {
            "stdout": "/srv/a.log",
            "stderr": "/srv/b.log",
            "merge": True,
            "timestamps": False,
            "format": "json",
        },
    ),
    **{
        f"logs.rotate.{name}": ({}, {"logs": {"rotate": {name: value}}})
        for name, value in {
            "size": "50Mi",
            "every": "1d",
            "at": ["00:00"],
            "keep": 3,
            "maxAgeDays": 7,
            "compress": False,
        }.items()
    },
    "dependsOn.app": ({}, {"dependsOn": ["db"]}),
    "dependsOn.condition": (
        {"dependsOn": ["db"]},
        {"dependsOn": [{"app": "db", "condition": "Started"}]},
    ),
    "dependsOn.restart": (
        {"dependsOn": ["db"]},
        {"dependsOn": [{"app": "db", "restart": True}]},
    ),
    "suspend": ({}, {"suspend": True}),
    "watch.paths": ({}, {"watch": {"paths": ["dist"]}}),
    "watch.ignore": ({}, {"watch": {"paths": ["dist"], "ignore": ["*.map"]}}),
    "watch.settleSeconds": ({}, {"watch": {"paths": ["dist"], "settleSeconds": 2}}),
}

_OF_APP: dict[str, Sample] = {
    **_COMMON,
    **{f"sockets.{name}": ({}, {"sockets": [_TCP_SOCKET]}) for name in ("name", "port")},
    "sockets.host": (
        {"sockets": [_TCP_SOCKET]},
        {"sockets": [{**_TCP_SOCKET, "host": "0.0.0.0"}]},
    ),
    **{
        f"sockets.{name}": ({}, {"sockets": [{**_UNIX_SOCKET, name: value}]})
        for name, value in {
            "path": "/run/y.sock",
            "mode": "600",
            "owner": "root",
            "group": "root",
        }.items()
    },
    "instances": ({}, {"instances": 3}),
    "strategy.type": ({}, {"strategy": {"type": "Recreate"}}),
    "strategy.maxSurge": ({}, {"strategy": {"maxSurge": 1}}),
    "strategy.maxUnavailable": ({}, {"instances": 1, "strategy": {"maxUnavailable": 1}}),
    "strategy.canary.instances": ({}, {"strategy": {"canary": {"instances": 2}}}),
    "strategy.canary.seconds": ({}, {"strategy": {"canary": {"seconds": 90}}}),
    **_probe("startupProbe"),
    **_probe("readinessProbe"),
    **_probe("livenessProbe"),
    "minReadySeconds": ({}, {"minReadySeconds": 5}),
    "progressDeadlineSeconds": ({}, {"progressDeadlineSeconds": 700}),
    "restartPolicy": ({}, {"restartPolicy": "Never"}),
    "restartSchedule": ({}, {"restartSchedule": "@daily"}),
    "timeZone": (
        {"restartSchedule": "@daily"},
        {"restartSchedule": "@daily", "timeZone": "Europe/Berlin"},
    ),
    **_in(
        "build",
        _BUILD,
        {
            "command": ["ninja"],
            "inputs": ["lib"],
            "ignore": ["*.map"],
            "timeoutSeconds": 90,
        },
    ),
    **{
        f"build.env.{name}": ({"build": _BUILD}, {"build": {**_BUILD, "env": {"A": value}}})
        for name, value in {
            "perInstance": {"perInstance": 1},
            "secretFile": {"secretFile": "/etc/pw"},
            "fromEnv": {"fromEnv": "B"},
            "credential": {"credential": "/etc/key"},
            "allowEmpty": {"secretFile": "/etc/pw", "allowEmpty": True},
        }.items()
    },
    "build.env": ({"build": _BUILD}, {"build": {**_BUILD, "env": {"A": "b"}}}),
    **{
        f"build.envFrom.{name}": (
            {"build": _BUILD},
            {"build": {**_BUILD, "envFrom": [{"file": "/srv/.env", **more}]}},
        )
        for name, more in {
            "file": {},
            "optional": {"optional": True},
            "allowEmpty": {"allowEmpty": True},
        }.items()
    },
    **{
        f"build.limits.{name}": ({"build": _BUILD}, {"build": {**_BUILD, "limits": {name: value}}})
        for name, value in _LIMITS.items()
    },
}

_CRON = {"schedule": "30 3 * * *"}
_OF_JOB: dict[str, Sample] = {
    **_COMMON,
    "schedule": ({}, _CRON),
    "timeZone": (_CRON, {**_CRON, "timeZone": "Europe/Berlin"}),
    "concurrencyPolicy": (_CRON, {**_CRON, "concurrencyPolicy": "Forbid"}),
    "startingDeadlineSeconds": (_CRON, {**_CRON, "startingDeadlineSeconds": 60}),
    "backoffLimit": ({}, {"backoffLimit": 2}),
    "activeDeadlineSeconds": ({}, {"activeDeadlineSeconds": 60}),
    "successfulJobsHistoryLimit": (_CRON, {**_CRON, "successfulJobsHistoryLimit": 7}),
    "failedJobsHistoryLimit": (_CRON, {**_CRON, "failedJobsHistoryLimit": 7}),
}

SAMPLES: dict[str, dict[str, Sample]] = {"App": _OF_APP, "Job": _OF_JOB}


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    """The dotted names of all fields below a model, without numbers and names of variables."""
    for name, field in model.model_fields.items():
        if is_own(field):
            continue
        alias = field.alias or name
        below = [*_models(field.annotation)]
        if alias == "port":  # a number, or that of the first instance
            yield alias
            continue
        if not below or _VALUES & {*below}:
            yield alias
        for inner in below:
            yield from (f"{alias}.{rest}" for rest in fields_of(inner))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from _models(inner)


def workload(kind: str, name: str = "web", **spec: Any) -> Workload:
    """A resolved App or Job, with an image."""
    spec = {"command": ["serve"], "cwd": "/srv", "image": "web:1", **spec}
    source = Source(f"/m/{name}.yaml", 1)
    if kind == "Job":
        return DesiredJob(name, JobSpec.model_validate(spec), "hash", source)
    return DesiredApp(name, AppSpec.model_validate(spec), "hash", source)


REFUSED: dict[str, dict[str, Any]] = {"livenessProbe.log": {"livenessProbe": {"log": "up"}}}
"""Fields that the model has, and recon refuses in each manifest."""
FIELDS: dict[str, frozenset[str]] = {
    "App": frozenset(fields_of(AppSpec)) - REFUSED.keys(),
    "Job": frozenset(fields_of(JobSpec)),
}
