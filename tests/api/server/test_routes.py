"""Whatever is asked, the answer is a document: a mistake of the client is never our fault."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.api.server.routes import Answer, application


class _Controller:
    """As much of a controller as is asked."""

    def __init__(self) -> None:
        self.history = None

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
