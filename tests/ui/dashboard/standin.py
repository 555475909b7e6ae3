"""A controller that answers what a test says, and the page before it, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ControllerNotRunningError
from reconciler.ui.dashboard.security.gate import Gate
from reconciler.ui.dashboard.security.links import Links
from reconciler.ui.dashboard.security.password import Password
from reconciler.ui.dashboard.security.peer import Address, Peers
from reconciler.ui.dashboard.security.sessions import Sessions
from reconciler.ui.dashboard.server.feed.hub import Hub
from reconciler.ui.dashboard.server.feed.reader import Reader
from reconciler.ui.dashboard.server.serve import Settings, gated
from reconciler.ui.live.live import Live

T = TypeVar("T")
PORT = 7333
HOST = f"127.0.0.1:{PORT}"


def app_row(name: str = "web", **more: Any) -> dict[str, Any]:
    """One app of the status document, healthy."""
    return {
        "name": name,
        "kind": "App",
        "labels": {},
        "sync": "Synced",
        "health": "Healthy",
        "desired": 1,
        "ready": 1,
        "updated": 1,
        "available": 1,
        "revision": 1,
        "restarts": 0,
        "message": "",
        "conditions": [],
        "drift": [],
        "instances": [instance_row(f"{name}-0")],
        "load": None,
        **more,
    }


def instance_row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "pid": 4120,
        "startTime": "2026-11-30T22:43:36.805+00:00",
        "state": "running",
        "ready": True,
        "revision": 1,
        "restarts": 0,
        "uptimeSeconds": 100.0,
        "rssBytes": 2**20,
        "cpuPercent": 1.0,
        "exit": None,
        "lastExit": None,
        "status": None,
        **more,
    }


def used_row(app: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "app": app,
        "name": name,
        "pid": 4120,
        "rssBytes": 2**20,
        "cpuPercent": 1.0,
        "limitBytes": None,
        "leak": None,
        "saturatedSince": None,
        "outlineBytes": [1, 2, 3],
        **more,
    }


def event_row(**more: Any) -> dict[str, Any]:
    return {
        "id": "7-1796078616727",
        "time": "2026-11-30T22:43:36.727+00:00",
        "app": "web",
        "instance": 0,
        "type": "Normal",
        "reason": "Started",
        "message": "started pid 4120 (revision 1)",
        "exit": None,
        "by": None,
        **more,
    }


@dataclass
class Standin:
    """What ``api.client.Client`` answers. ``apps`` and the rest may be changed at any time."""

    apps: list[dict[str, Any]] = field(default_factory=lambda: [app_row()])
    errors: list[dict[str, Any]] = field(default_factory=list)
    described: dict[str, Any] = field(default_factory=dict)
    """Replaces parts of the description of every app."""
    past: list[dict[str, Any]] = field(default_factory=list)
    used: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    done: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    is_there: bool = True
    may_act: bool = True
    refusal: str = ""

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if not self.is_there:
            raise ControllerNotRunningError("no controller is running on /tmp/s/recon.sock")

    def status(self, explained: Any = ()) -> dict[str, Any]:
        self._answer("status")
        controller = {"running": True, "pid": 1, "version": "0.1.0"}
        return {"controller": controller, "apps": [*self.apps], "errors": [*self.errors]}

    def usage(self, apps: Any = ()) -> dict[str, Any]:
        self._answer("usage")
        return {"instances": [*self.used]}

    def describe(self, app: str) -> dict[str, Any]:
        self._answer(f"describe {app}")
        row = next((one for one in self.apps if one["name"] == app), None)
        if row is None:
            raise ApiError(f"no app named {app}", 404)
        document = {
            "app": row,
            "errors": [],
            "source": {"file": f"/m/{app}.yaml", "line": 1},
            "labels": row["labels"],
            "spec": {"command": ["true"], "env": {}},
            "secrets": [],
            "revisions": [],
            "builds": [],
            "usage": [],
            "events": [*self.past],
        }
        return {**document, **self.described}

    def host(self) -> dict[str, Any]:
        self._answer("host")
        return {"uid": 0, "cores": 2, "rlimits": {}, "cgroups": {"controllers": [], "missing": {}}}

    def plan(self, apps: Any = ()) -> dict[str, Any]:
        return {"changes": self.changes}

    def events(self, apps: Any = (), **wanted: Any) -> Iterator[dict[str, Any]]:
        self._answer("events")
        yield from self.past
        raise ControllerNotRunningError("that was all")

    def logs(self, app: str, **wanted: Any) -> Iterator[dict[str, Any]]:
        self._answer(f"logs {app} {wanted}")
        yield from self.lines

    def act(
        self, action: str, app: str | None = None, *, dry_run: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        if not self.may_act:
            raise ApiError("members of the group may only look", 403)
        if app == "-":
            raise ApiError("no app named -", 404)
        if self.refusal:
            raise ApiError(self.refusal, 409)
        if not dry_run:
            self.done.append((action, app, parameters))
        message = f"{action} {app}"
        return {
            "action": action,
            "app": app,
            "done": not dry_run,
            "message": message,
            "warnings": self.warnings,
            "notes": [],
            "edits": self.edits,
        }


class AnyPeer(Peers):
    """Lets every user in, or none where there is a ``reason``."""

    reason = ""

    def refusal(self, client: Address, server: Address) -> str:
        return self.reason


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...]


class Page:
    """The page of one process."""

    def __init__(self, controller: Standin, password: Password | None, public_url: str) -> None:
        self.controller = controller
        self.links, self.sessions, self.peers = Links(), Sessions(), AnyPeer()
        client = cast(Client, controller)
        self.live = Live(client, every=0.01)
        self.hub = Hub(self.live, Reader(client))
        settings = Settings((Path("/nowhere"), None), password, public_url)
        self.gate: Gate = gated(
            PORT, settings, self.hub, self.links, self.sessions, peers=self.peers
        )
        self.cookie = f"recon-{PORT}={self.sessions.begin()}"

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        host: str = HOST,
        cookie: str | None = None,
        form: Mapping[str, str] | None = None,
        client: str = "127.0.0.1",
        origin: str | None = f"http://{HOST}",
        **headers: str,
    ) -> Answer:
        """One request; headers with _ for -. With the cookie of a session, unless it is given."""
        path, _, query = path.partition("?")
        body = urlencode(form or {}).encode()
        sent = {"host": host, "cookie": self.cookie if cookie is None else cookie}
        if method == "POST":
            kind = "application/x-www-form-urlencoded"
            sent |= {"content-type": kind, "content-length": str(len(body))}
            sent |= {"origin": origin} if origin is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items()],
            "client": (client, 50000),
            "server": ("127.0.0.1", PORT),
        }
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            messages.append(dict(message))

        await self.gate(scope, receive, send)
        found = [(k.decode(), v.decode()) for k, v in messages[0]["headers"]]
        content = b"".join(one.get("body", b"") for one in messages[1:])
        cookies = tuple(value for name, value in found if name == "set-cookie")
        return Answer(messages[0]["status"], dict(found), content.decode(), cookies)


def asked(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@contextmanager
def page_of(
    controller: Standin | None = None, *, password: Password | None = None, public_url: str = ""
) -> Iterator[Page]:
    """A page that follows its controller."""
    found = Page(controller or Standin(), password, public_url)
    found.live.start()
    try:
        yield found
    finally:
        found.live.stop()
