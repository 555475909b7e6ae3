"""What is declared to the controllers, and the edits of it that a seed chooses.

Each app here has effects of its own: sockets, probes, credentials, limits, a user, children, a
deaf program, Jobs, logs in one file. An edit is small, as a user's is: a new revision of some apps,
another number of instances, a pause, a removal.
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
_KILLED = ("counter", "merged", "tree", "deaf", "secret", "confined", "limited")


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


def edit(now: Declared, dice: random.Random) -> Edit:
    """What happens in one life."""
    apps = now.apps
    match dice.choice(
        ("revision", "revision", "revision", "scale", "pause", "removal", "kill", "")
    ):
        case "revision":
            names = dice.sample(sorted(apps), dice.randint(1, 4))
            fresh = tuple(replace(apps[one], version=apps[one].version + 1) for one in names)
            return Edit(f"a revision of {', '.join(sorted(names))}", fresh)
        case "scale":
            app = apps[dice.choice(_SCALED)]
            count = dice.choice([n for n in (1, 2, 3) if n != app.instances])
            return Edit(f"{count} of {app.name}", (replace(app, instances=count),))
        case "pause":
            app = apps[dice.choice(_SUSPENDED)]
            word = "on" if app.suspended else "pause"
            return Edit(f"{word} of {app.name}", (replace(app, suspended=not app.suspended),))
        case "removal":
            app = apps[dice.choice(_REMOVED)]
            word = "back" if app.removed else "removal"
            fresh_one = replace(app, removed=not app.removed, version=app.version + app.removed)
            return Edit(f"{word} of {app.name}", (fresh_one,))
        case "kill":
            names = dice.sample(_KILLED, dice.randint(1, 3))
            return Edit(f"kill -9 of {', '.join(sorted(names))}", kills=tuple(names))
    return Edit("nothing")
