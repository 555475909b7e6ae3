"""Whatever is asked, the answer is a document: a mistake of the client is never our fault."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.api.server import routes
from reconciler.api.server.routes import Answer, application
from reconciler.model.state.event import Event
from reconciler.state.events import RecordedEvent


class _History:
    def __init__(self) -> None:
        self.heard: Any = None

    def events(self, apps: tuple[str, ...], limit: int) -> list[RecordedEvent]:
        return []

    def listen(self, heard: Any) -> Any:
        self.heard = heard
        return lambda: None


class _Controller:
    """As much of a controller as is asked."""

    def __init__(self) -> None:
        self.history = _History()

    def declared(self) -> dict[str, Any]:
        return {}


def ask(method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Status and document of one answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    where, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": where, "query_string": query.encode()}
    scope |= {"headers": [], "root_path": "", "raw_path": where.encode()}
    controller: Any = _Controller()
    asyncio.run(application(controller)(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message["body"] for message in sent[1:]))


@pytest.mark.parametrize("limit", ["x", "-1", "1.5", "²", "9" * 5000, "", "%00"])
def test_a_limit_that_is_no_number_is_refused(limit: str) -> None:
    status, document = ask("GET", f"/v1/events?limit={limit}")
    assert status == 400 and "whole number" in document["error"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"apps": 5}',
        b'{"apps": [5]}',
        b'{"apps": "web"}',
        b'{"apps": {"web": 1}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b"[]",
        b"null",
        b"{",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    status, document = ask("POST", "/v1/restart", body)
    assert status == 400 and document["error"]


@pytest.mark.parametrize("name", ["\ud800", "\udcff", "\x00", "a" * 10_000])
def test_a_name_of_any_text_is_only_unknown(name: str) -> None:
    body = json.dumps({"apps": [name], "app": name}).encode()
    for verb in ("restart", "rollout/pause", "rollout/resume"):
        status, document = ask("POST", f"/v1/{verb}", body)
        assert status == 404 and name in document["error"]


def test_a_document_may_hold_names_of_files_that_are_no_utf_8() -> None:
    assert json.loads(bytes(Answer({"file": "b\udcff.js"}).body)) == {"file": "b\udcff.js"}


def test_a_follower_that_does_not_read_is_told_what_it_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "_UNREAD", 3)
    controller: Any = _Controller()

    async def follow() -> list[dict[str, Any]]:
        stream = routes.Routes(controller)._events((), 10, True)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        for number in range(1, 11):
            controller.history.heard(RecordedEvent(number, 0.0, Event("web", "R", str(number))))
        lines = [await first, *[await anext(stream) for _ in range(3)]]
        return [json.loads(line) for line in lines]

    events = asyncio.run(follow())
    assert [event["message"] for event in events[:3]] == ["1", "2", "3"]
    assert events[3]["reason"] == "EventsLeftOut" and events[3]["message"].startswith("7 events")
