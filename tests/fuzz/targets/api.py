"""Requests to the API's routes: path, query and body. Any mistake is a 4xx with a sentence, and a
refused request changes nothing.

The first line is method, path and query, the rest the body."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import unquote

from reconciler.api.server.routes import application

_ACTIONS = (b"restart", b"suspend", b"scale", b"undo", b"pause", b"run-job", b"confirm-load")
SEEDS = (
    *(b"POST /v1/apps/web/%s\n{}" % action for action in _ACTIONS),
    b'POST /v1/apps/web/scale\n{"instances": "max-1", "dryRun": true}',
    b'POST /v1/apps/web/undo\n{"revision": 3.0}',
    b'POST /v1/confirm-prune\n{"dryRun": false}',
    b"GET /v1/logs/web?lines=5&before=0x1.ac38p+30_5312d35a_20c1fa_454e&stream=stderr\n",
    b"GET /v1/logs/web?since=2026-11-30T14:00:00Z&until=1e3&instance=web-0&follow=1\n",
    b"GET /v1/events?limit=5&app=a&type=Normal&since=12.5&audit=1&after=12-0x1p3\n",
    b'POST /v1/notifications/test\n{"targets": ["a"]}',
    b"GET /v1/plan?app=web\n",
)


class _History:
    """Whatever is recorded is a change."""

    def __init__(self, changes: list[str]) -> None:
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        raise _UsedError(name)


class _UsedError(Exception):
    """The controller was asked for something: the request was valid as far as it went."""


class _Controller:
    """Knows no app; notes what else is wanted of it."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.history = _History(self.used)

    def declared(self) -> dict[str, Any]:
        return {}

    def problems_of(self, name: str) -> list[Any]:
        return []

    async def reread(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        self.used.append(name)
        raise _UsedError(name)


def check(data: bytes) -> None:
    """One request."""
    line, _, body = data.partition(b"\n")
    words = line.decode("latin-1").split(" ")
    method, target = (words[0], words[1]) if len(words) == 2 else ("POST", words[0])
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        return
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
        "root_path": "",
        "scheme": "http",
        "recon.abort": lambda: None,
        "recon.uid": 0,
    }
    controller = _Controller()
    try:
        asyncio.run(_request(controller, scope, body, sent))
    except (_UsedError, ConnectionResetError):
        return
    status = sent[0]["status"]
    text = b"".join(message["body"] for message in sent[1:])
    assert status < 500, (status, text)
    if status >= 400 and method != "HEAD":
        assert json.loads(text)["error"].strip()
        assert not controller.used, controller.used


async def _request(controller: Any, scope: Any, body: bytes, sent: list[Any]) -> None:
    coming = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(coming, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    await application(controller)(scope, receive, send)
