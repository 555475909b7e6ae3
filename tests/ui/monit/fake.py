"""A controller that answers from memory, with fixed data and a fixed clock, for the monitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import Any

from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ClientError
from reconciler.ui.live.closable import ClosableClient
from reconciler.ui.live.live import Live
from reconciler.ui.live.snapshot import Snapshot
from reconciler.ui.monit.monitor import Monitor
from tests.cli.documents import app, change, field, instance, plan, status

NOW = 1_796_079_000.0
"""2026-11-30 22:50:00 UTC."""
MI = 2**20

_CRASHED: dict[str, Any] = {
    "state": "backoff",
    "ready": False,
    "pid": None,
    "exit": "exit 1",
    "restarts": 12,
    "cpuPercent": None,
    "rssBytes": None,
    "uptimeSeconds": None,
}
_JOB: dict[str, Any] = {
    "kind": "Job",
    "labels": {"tier": "data"},
    "instances": [],
    "nextRun": None,
    "runs": [],
    "desired": 0,
    "ready": 0,
}


def shop() -> dict[str, Any]:
    """The status of a small shop in which not all is well."""
    web = app(
        "web",
        labels={"tier": "front"},
        dependsOn=[{"app": "api", "condition": "Ready"}],
        desired=2,
        ready=2,
        revision=7,
        instances=[
            instance("web-0", cpuPercent=3.21, rssBytes=41 * MI),
            instance("web-1", cpuPercent=2.9, rssBytes=43 * MI, pid=4121),
        ],
    )
    api = app(
        "api",
        labels={"tier": "back", "team": "a"},
        dependsOn=[
            {"app": "db", "condition": "Ready"},
            {"app": "migrate", "condition": "Completed"},
        ],
        sync="OutOfSync",
        health="Progressing",
        desired=2,
        ready=1,
        revision=4,
        message="1 of 2 instances updated",
        drift=[{"kind": "Outdated", "instance": "api-1", "detail": "env.LOG_LEVEL"}],
        instances=[
            instance("api-0", cpuPercent=63.0, rssBytes=210 * MI, pid=5000),
            instance("api-1", cpuPercent=1.0, rssBytes=190 * MI, pid=5001, ready=False),
        ],
    )
    worker = app(
        "worker",
        labels={"tier": "back"},
        dependsOn=[{"app": "db", "condition": "Started"}],
        health="Degraded",
        ready=0,
        restarts=12,
        message="CrashLoopBackOff: exit 1, next try in 21 s",
        instances=[instance("worker-0", **_CRASHED)],
    )
    db = app("db", labels={"tier": "data"}, instances=[instance("db-0", rssBytes=512 * MI)])
    migrate = app("migrate", **_JOB)
    return status(api, db, migrate, web, worker)


def usage_of(document: dict[str, Any]) -> dict[str, Any]:
    """What their memory was like before."""
    rows = [
        {"name": row["name"], "app": one["name"], "outlineBytes": [n * MI for n in range(30, 42)]}
        for one in document["apps"]
        for row in one["instances"]
    ]
    return {"formatVersion": 1, "instances": rows}


class FakeClient(Client):
    """Answers as the controller does. ``actions`` has what was asked to be done."""

    def __init__(self) -> None:
        super().__init__("/nowhere/recon.sock")
        self.document = shop()
        self.actions: list[tuple[str, str | None, dict[str, Any]]] = []
        self.refusal: ClientError | None = None
        self.log = [log(n, f"line {n}") for n in range(40)]
        self.edits = [
            {
                "file": "/srv/shop/web.yaml",
                "line": 9,
                "diff": "--- a/web.yaml\n+++ b/web.yaml\n@@ -8,3 +8,3 @@\n   cwd: web\n"
                "-  instances: 2   # for now\n+  instances: 3   # for now\n   env:\n",
            }
        ]

    def status(self, explained: Any = ()) -> dict[str, Any]:
        return self.document

    def usage(self, apps: Any = ()) -> dict[str, Any]:
        return usage_of(self.document)

    def describe(self, app: str) -> dict[str, Any]:
        found = next(one for one in self.document["apps"] if one["name"] == app)
        return {
            "formatVersion": 1,
            "app": found,
            "errors": [],
            "source": {"file": f"/srv/shop/{app}.yaml", "line": 1},
            "labels": found["labels"],
            "spec": {"command": ["node", "dist/main.js"], "instances": found["desired"]},
            "secrets": ["DB_PASSWORD"],
            "revisions": [
                {
                    "number": number,
                    "hash": f"{number:x}a7",
                    "createdAt": "2026-11-30T20:00:00.000+00:00",
                    "good": number != 6,
                    "failed": "ProgressDeadlineExceeded" if number == 6 else "",
                }
                for number in (5, 6, 7)
            ],
            "builds": [],
            "usage": [],
            "events": [event(1, app)],
        }

    def plan(self, apps: Any = ()) -> dict[str, Any]:
        fields = [field("env.LOG_LEVEL", "info", "debug", "replaces")]
        changed = change("api", "update", revision={"from": 3, "to": 4}, fields=fields)
        return plan(*([changed] if not apps or "api" in apps else []), replace=1, unchanged=4)

    def events(self, apps: Any = (), **more: Any) -> Iterator[dict[str, Any]]:
        yield from (event(n, name) for n, name in enumerate(("web", "worker", "api"), 1))

    def logs(self, app: str, **query: Any) -> Iterator[dict[str, Any]]:
        before, search = query.get("before"), (query.get("search") or "").lower()
        wanted = [
            line
            for line in self.log
            if search in line["line"].lower() and (before is None or line["position"] < before)
        ]
        count = len(self.log)
        yield from wanted[-query.get("lines", 100) :]
        while query.get("follow") and not query["closed"].wait(0.01):
            yield from self.log[count:]
            count = len(self.log)

    def act(
        self, action: str, app: str | None = None, *, dry_run: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        if not dry_run:
            self.actions.append((action, app, parameters))
        return {
            "formatVersion": 1,
            "action": action,
            "app": app,
            "done": not dry_run,
            "message": f"{action} {app}: {'would be done' if dry_run else 'done'}",
            "edits": self.edits if action == "scale" else [],
        }


class OwnClient(ClosableClient):
    """A client of a page of its own, which may be closed."""

    def __init__(self, client: FakeClient) -> None:
        super().__init__(client)
        self._client = client
        self.closed = Event()

    def logs(self, app: str, **query: Any) -> Iterator[dict[str, Any]]:
        return self._client.logs(app, closed=self.closed, **query)

    def close(self) -> None:
        self.closed.set()


def log(number: int, text: str, **values: Any) -> dict[str, Any]:
    """One line of a log."""
    return {
        "at": f"2026-11-30T22:40:{number % 60:02}.000+00:00",
        "app": "web",
        "instance": number % 2,
        "stream": "stderr" if number % 7 == 3 else "stdout",
        "line": text,
        "position": f"{number:06}",
        **values,
    }


def event(number: int, app: str) -> dict[str, Any]:
    return {
        "id": f"{number}-1",
        "time": f"2026-11-30T22:4{number}:00.000+00:00",
        "app": app,
        "instance": 0,
        "type": "Warning" if app == "worker" else "Normal",
        "reason": "BackOff" if app == "worker" else "Started",
        "message": "next try in 21 s" if app == "worker" else "started with pid 4120",
        "exit": None,
        "by": None,
    }


FORBIDDEN = ApiError("members of the group ops may only look; ask as root for more", 403)


class FakeLive(Live):
    """Snapshots as a test makes them."""

    def __init__(self, client: FakeClient) -> None:
        super().__init__(client)
        self.watcher: Callable[[Snapshot], object] = lambda _: None
        self.looks = 0
        self._number = 0
        self.give(client.document)

    @property
    def snapshot(self) -> Snapshot:
        return self._given

    def on_change(self, watcher: Callable[[Snapshot], object]) -> Callable[[], None]:
        self.watcher = watcher
        return lambda: None

    def look(self) -> None:
        self.looks += 1

    def give(self, document: dict[str, Any] | None, **values: Any) -> None:
        self._number += 1
        used = usage_of(document) if document else None
        self._given = Snapshot(
            self._number, document, used, **{"read_at": NOW + self._number, **values}
        )
        self.watcher(self._given)


def monitor(**options: Any) -> Monitor:
    """A monitor of the shop."""
    client = FakeClient()
    own = partial(OwnClient, client)
    return Monitor(FakeLive(client), client, own_client=own, now=lambda: NOW, **options)


def screen(app: Monitor) -> str:
    """What stands on the screen, as text."""
    _, height = app.size
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in lines[:height])
