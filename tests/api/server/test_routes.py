"""Whatever is asked, the answer is a document: a mistake of the client is never our fault."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.api.asgi.response import Answer
from reconciler.api.server.routes import application


class _Controller:
    """As much of a controller as is asked."""

    def __init__(self) -> None:
        self.history = None

    def declared(self) -> dict[str, Any]:
        return {}

    def problems_of(self, name: str) -> list[Any]:
        return []

    async def reread(self) -> None:
        pass


def ask(method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Status and document of one answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    where, _, query = path.partition("?")
    scope = {"type": "http", "method": method, "path": where, "query_string": query.encode()}
    scope |= {"headers": [], "root_path": "", "raw_path": where.encode(errors="replace")}
    controller: Any = _Controller()
    asyncio.run(application(controller)(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message["body"] for message in sent[1:]))


@pytest.mark.parametrize("limit", ["x", "-1", "1.5", "²", "9" * 5000, "", "%00"])
def test_a_limit_that_is_no_number_is_refused(limit: str) -> None:
    status, document = ask("GET", f"/v1/events?limit={limit}")
    assert status == 400 and "whole number" in document["error"]


ACTIONS = ("restart", "suspend", "resume", "scale", "undo", "pause", "unpause", "run-job")


@pytest.mark.parametrize(
    "body",
    [
        b'{"dryRun": 1}',
        b'{"dryRun": "true"}',
        b'{"dryRun": null}',
        b'{"dry_run": true}',
        b'{"apps": ["web"]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b"[]",
        b"null",
        b"{",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    for action in (*ACTIONS, "confirm-load"):
        status, document = ask("POST", f"/v1/apps/web/{action}", body)
        assert status == 400 and document["error"]
    for route in ("confirm-prune", "confirm-load"):
        assert ask("POST", f"/v1/{route}", body)[0] == 400


@pytest.mark.parametrize("name", ["\udcff", "\x00", "a" * 10_000, "../web", "web:build", "%"])
def test_a_name_of_any_text_is_only_unknown(name: str) -> None:
    for action in ACTIONS:
        body = b'{"instances": 1}' if action == "scale" else b""
        status, document = ask("POST", f"/v1/apps/{name}/{action}", body)
        assert status == 404 and (name in document["error"] or "/" in name)


def test_what_is_no_action_is_not_there_and_a_read_of_one_is_not_allowed() -> None:
    assert ask("POST", "/v1/apps/web/explode")[0] == 404
    assert ask("GET", "/v1/apps/web/restart")[0] == 405


def test_a_document_may_hold_names_of_files_that_are_no_utf_8() -> None:
    assert json.loads(bytes(Answer({"file": "b\udcff.js"}).body)) == {"file": "b\udcff.js"}
