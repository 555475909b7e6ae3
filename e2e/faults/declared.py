"""What is declared to the controllers, and the edits of it that a seed chooses.

Each app here has effects of its own: sockets, probes, credentials, limits, a user, children, a
deaf program, Jobs, logs in one file. An edit is small, as a user's is: a new revision of some apps,
another number of instances, a pause, a removal, a field that applies in place. A number of
instances is also raised by the API, which edits the manifest itself.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from e2e.faults import programs
from e2e.harness import replace as write


@dataclass(frozen=True, slots=True)
class App:
    """One app as declared."""

    name: str
    kind: str = "App"
    role: str = ""
    version: int = 1
    instances: int = 1
    suspended: bool = False
    removed: bool = False
    spec: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    is_once: bool = False
    """A Job of which no revision may run twice."""

    @property
    def is_job(self) -> bool:
        return self.kind == "Job"

    @property
    def wanted(self) -> int:
        """Instances that are to run."""
        return 0 if self.suspended or self.removed or self.is_job else self.instances

    def manifest(self, registrar: str) -> str:
        """Its manifest."""
        environment = programs.environment(registrar, self.version, ROLE=self.role)
        spec: dict[str, Any] = {
            "command": programs.command(),
            "env": environment | self.variables,
            "suspend": self.suspended,
            **self.spec,
        }
        if not self.is_job:
            spec |= {"instances": self.instances, "minReadySeconds": 0, "backoff": _QUICK}
        document = {
            "apiVersion": "recon/v1",
            "kind": self.kind,
            "metadata": {"name": self.name},
            "spec": spec,
        }
        return json.dumps(document, indent=1)


_QUICK = {"initialSeconds": 0.05, "maxSeconds": 0.1, "resetSeconds": 1}
_ROTATED = {"rotate": {"size": "8Ki", "keep": 1000}}
_KEPT = {"successfulJobsHistoryLimit": 10_000, "failedJobsHistoryLimit": 10_000}
_SCALED = ("counter", "merged", "web")
_SUSPENDED = ("tree", "limited", "confined")
_REMOVED = ("extra", "deaf")
_IN_PLACE = ("counter", "limited")
_SIZES = ("8Ki", "12Ki")
_KILLED = ("hooked", "counter", "merged", "tree", "deaf", "secret", "confined", "limited")


def apps(home: Path, port: int) -> dict[str, App]:
    """All of them, as they are at first. ``home`` has what they refer to."""
    (home / "token").write_text("token")
    web = {
        "sockets": [{"name": "http", "port": port}, {"name": "local", "path": str(home / "web.s")}],
        "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
    }
    limited = {"limits": {"openFiles": 512, "nice": 5}, "umask": "027"}
    as_another = os.geteuid() == 0 and programs.IS_FOR_ALL
    confined = {"user": "65534", "group": "65534", "cwd": "/"} if as_another else {}
    found = [
        App("counter", instances=2, spec={"logs": _ROTATED}, variables={"PAD": 150}),
        App(
            "hooked",
            spec={
                "stop": {"preStop": ["true"]},
                "readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1},
            },
            variables={"PAUSE": 0.1},
        ),
        App("merged", instances=2, spec={"logs": {"merge": True, "format": "json", **_ROTATED}}),
        App("web", role="serve", instances=2, spec=web),
        App("tree", role="tree", spec={"readinessProbe": {"log": " 1 "}}),
        App("deaf", role="deaf", spec={"terminationGracePeriodSeconds": 0.2}),
        App(
            "secret",
            role="credential",
            spec={"strategy": {"type": "Recreate"}},
            variables={"TOKEN": {"credential": str(home / "token")}},
        ),
        App("confined", spec={"noNewPrivileges": True, **confined}, variables={"PAUSE": 0.1}),
        App("limited", spec=limited, variables={"PAUSE": 0.1}),
        App("extra", spec={"dependsOn": ["counter"]}, variables={"PAUSE": 0.1}),
        App("once", "Job", role="job", spec={"backoffLimit": 0, **_KEPT}, is_once=True),
        App("again", "Job", role="job", spec={"backoff": _QUICK, **_KEPT}),
    ]
    return {app.name: app for app in found}


@dataclass(frozen=True)
class Declared:
    """The state of all manifests."""

    apps: dict[str, App]
    before: dict[str, int] = field(default_factory=dict)
    """By app, the most instances that were declared since all was as declared."""

    def wants(self, app: str, number: int, version: int) -> bool:
        """Whether this process is to run."""
        found = self.apps.get(app)
        if found is None:
            return False
        return number < found.wanted and version == found.version

    def most(self, app: str) -> int:
        """How many processes of an app there may be at a time."""
        found = self.apps[app]
        if found.is_job:
            return 2  # one of the earlier revision, on its way out
        surge = 0 if found.spec.get("strategy") else 1
        return max(found.instances, self.before.get(app, 0)) + surge

    def edited(self, *fresh: App) -> Declared:
        """With these instead."""
        before = {
            name: max(self.before.get(name, 0), app.instances) for name, app in self.apps.items()
        }
        return Declared(self.apps | {app.name: app for app in fresh}, before)

    def settled(self) -> Declared:
        """The same, now that all is as declared."""
        return Declared(self.apps)

    def read(self, folder: Path, name: str) -> Declared:
        """With the number of instances that its manifest has now: the old one or the new one."""
        document = json.loads((folder / f"{name}.json").read_text())
        instances = document["spec"]["instances"]
        assert instances in (self.apps[name].instances, self.apps[name].instances + 1), document
        return self.edited(replace(self.apps[name], instances=instances))

    def stopped(self) -> Declared:
        """The same, when everything is to be stopped."""
        return Declared({name: replace(app, removed=True) for name, app in self.apps.items()})

    def write(self, folder: Path, registrar: str, only: set[str] | None = None) -> None:
        """Have the manifests say so."""
        for app in self.apps.values():
            if only is not None and app.name not in only:
                continue
            path = folder / f"{app.name}.json"
            if app.removed:
                path.unlink(missing_ok=True)
            else:
                write(path, app.manifest(registrar))


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit, or one crash of an app."""

    what: str
    apps: tuple[App, ...] = ()
    kills: tuple[str, ...] = ()
    """kill -9 of the last instance of each."""
    raised: App | None = None
    """As it is to be by the API."""
    helper: bool = False
    """kill -9 of the fork server, or of a worker."""


def edit(now: Declared, dice: random.Random) -> Edit:
    """What happens in one life."""
    return dice.choice(_EDITS)(now.apps, dice)


def _revision(apps: dict[str, App], dice: random.Random) -> Edit:
    names = sorted(dice.sample(sorted(apps), dice.randint(1, 4)))
    fresh = tuple(replace(apps[one], version=apps[one].version + 1) for one in names)
    return Edit(f"a revision of {', '.join(names)}", fresh)


def _scale(apps: dict[str, App], dice: random.Random) -> Edit:
    app = apps[dice.choice(_SCALED)]
    count = dice.choice([n for n in range(1, _MOST + 1) if n != app.instances])
    return Edit(f"{count} of {app.name}", (replace(app, instances=count),))


def _scale_by_api(apps: dict[str, App], dice: random.Random) -> Edit:
    app = apps[dice.choice(_SCALED)]
    if app.instances == _MOST:
        return _nothing(apps, dice)
    count = app.instances + 1
    return Edit(f"{count} of {app.name} by the API", raised=replace(app, instances=count))


def _pause(apps: dict[str, App], dice: random.Random) -> Edit:
    app = apps[dice.choice(_SUSPENDED)]
    word = "on" if app.suspended else "pause"
    return Edit(f"{word} of {app.name}", (replace(app, suspended=not app.suspended),))


def _removal(apps: dict[str, App], dice: random.Random) -> Edit:
    app = apps[dice.choice(_REMOVED)]
    word = "back" if app.removed else "removal"
    fresh = replace(app, removed=not app.removed, version=app.version + app.removed)
    return Edit(f"{word} of {app.name}", (fresh,))


def _in_place(apps: dict[str, App], dice: random.Random) -> Edit:
    app = apps[dice.choice(_IN_PLACE)]
    if app.name == "limited":  # not every root may raise a hard limit of what runs
        limits = app.spec["limits"]
        field: dict[str, Any] = {"limits": limits | {"openFiles": limits["openFiles"] - 1}}
    else:
        field = {"logs": {"rotate": {"size": dice.choice(_SIZES), "keep": 1000}}}
    return Edit(f"a field of {app.name}", (replace(app, spec=app.spec | field),))


def _kills(_apps: dict[str, App], dice: random.Random) -> Edit:
    names = sorted(dice.sample(_KILLED, dice.randint(1, 3)))
    return Edit(f"kill -9 of {', '.join(names)}", kills=tuple(names))


def _helper(_apps: dict[str, App], _dice: random.Random) -> Edit:
    return Edit("kill -9 of a helper", helper=True)


def _nothing(_apps: dict[str, App], _dice: random.Random) -> Edit:
    return Edit("nothing")


_EDITS = (*[_revision] * 4, _scale, _scale_by_api, _pause, _removal, _in_place, _kills, _helper)
_EDITS = (*_EDITS, _nothing)
_MOST = 3
"""Instances."""
