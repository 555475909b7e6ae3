"""A request finds its route, and each answer of a mistake is a document."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.api.asgi.application import Application, Route
from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response, Stream


async def named(request: Request) -> Response:
    return Answer({"app": request.path_params["app"], "method": request.method})


async def refused(request: Request) -> Response:
    raise RefusedError("not now", 409)


async def broken(request: Request) -> Response:
    raise KeyError("unforeseen")


async def pieces(request: Request) -> Response:
    async def two() -> Any:
        yield b"a"
        yield b"b"

    return Stream(two(), "text/event-stream")


async def broken_later(request: Request) -> Response:
    async def one() -> Any:
        yield b"a"
        raise KeyError("unforeseen")

    return Stream(one())


ROUTES = [
    Route("/v1/apps/{app}/undo", named, methods=["POST"]),
    Route("/v1/apps/{app}", named),
    Route("/v1/apps/{app}", named, methods=["PUT"]),
    Route("/refused", refused),
    Route("/broken", broken),
    Route("/pieces", pieces),
    Route("/later", broken_later),
]


class Exchange:
    """One request, whose client stays until everything was sent."""

    def __init__(self, method: str, path: str) -> None:
        self.sent: list[Any] = []
        self._scope = {"type": "http", "method": method, "path": path}
        self._scope |= {"query_string": b"", "headers": []}  # type: ignore[dict-item]

    def run(self) -> Exchange:
        asyncio.run(Application(ROUTES)(self._scope, self._receive, self._send))
        return self

    async def _receive(self) -> Any:
        await asyncio.Event().wait()

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def ask(method: str, path: str) -> Exchange:
    return Exchange(method, path).run()


def test_a_part_of_the_path_has_a_name_and_no_slash() -> None:
    assert json.loads(ask("GET", "/v1/apps/we b").body) == {"app": "we b", "method": "GET"}
    assert json.loads(ask("POST", "/v1/apps/x\ny/undo").body)["app"] == "x\ny"
    assert ask("GET", "/v1/apps/a/b").status == 404
    assert ask("GET", "/v1/apps/").status == 404
    assert ask("GET", "/v1/apps/a\n/undo/").status == 404


def test_another_method_is_not_allowed_and_the_answer_names_those_that_are() -> None:
    answer = ask("DELETE", "/v1/apps/web")
    assert answer.status == 405 and json.loads(answer.body)["error"]
    assert answer.headers[b"allow"] == b"GET, HEAD, PUT"


def test_a_refusal_is_a_sentence_with_its_status() -> None:
    answer = ask("GET", "/refused")
    assert (answer.status, json.loads(answer.body)) == (409, {"error": "not now"})


def test_the_headers_alone_are_those_of_the_whole_answer() -> None:
    for path in ("/v1/apps/web", "/pieces"):
        whole, head = ask("GET", path), ask("HEAD", path)
        assert head.body == b"" and whole.body
        assert head.status == 200
    assert ask("HEAD", "/v1/apps/web").headers[b"content-length"] == b"29"


def test_pieces_are_sent_as_they_come_and_then_it_ends() -> None:
    answer = ask("GET", "/pieces")
    assert answer.body == b"ab"
    assert answer.headers == {b"content-type": b"text/event-stream; charset=utf-8"}
    assert [message.get("more_body", False) for message in answer.sent[1:]] == [True, True, False]


def test_an_unforeseen_error_is_a_500_and_is_not_hidden() -> None:
    exchange = Exchange("GET", "/broken")
    with pytest.raises(KeyError):
        exchange.run()
    assert exchange.status == 500 and "error" in json.loads(exchange.body)


def test_an_unforeseen_error_in_the_middle_is_no_second_answer() -> None:
    exchange = Exchange("GET", "/later")
    with pytest.raises(KeyError):
        exchange.run()
    assert exchange.status == 200 and exchange.body == b"a"
