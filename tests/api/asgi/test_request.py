"""What a handler reads of a request."""

from __future__ import annotations

import asyncio
from typing import Any

from reconciler.api.asgi.request import Request, Values


def request(query: bytes = b"", headers: Any = (), pieces: tuple[bytes, ...] = (b"",)) -> Request:
    left = [*pieces]

    async def receive() -> Any:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return Request({"query_string": query, "headers": headers, "path_params": {}}, receive)


def test_a_parameter_has_one_value_or_several() -> None:
    values = request(b"app=a&app=b%20c&empty=&plus=x+y&%FF=1").query_params
    assert values.getlist("app") == ["a", "b c"] and values.get("app") == "b c"
    assert values.get("empty") == "" and values.get("plus") == "x y"
    assert values.getlist("none") == [] and values.get("none") is None
    assert values.get("none", "100") == "100"


def test_a_list_of_values_is_the_readers_own() -> None:
    values = Values([("app", "a")])
    values.getlist("app").append("b")
    assert values.getlist("app") == ["a"]


def test_headers_are_found_by_small_letters() -> None:
    headers = request(headers=[(b"Accept", b"text/event-stream"), (b"x", b"\xe4")]).headers
    assert headers.get("accept") == "text/event-stream" and headers.get("x") == "ä"


def test_the_body_is_all_of_its_pieces() -> None:
    assert asyncio.run(request(pieces=(b"a", b"b", b"c")).body()) == b"abc"
    assert asyncio.run(request().body()) == b""
