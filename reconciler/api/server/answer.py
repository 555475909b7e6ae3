"""An answer as JSON, and a refusal as ``{"error": "<sentence>"}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.api.actions.answer import RefusedError
from reconciler.api.server.turn import Turn, in_turns


class Answer(JSONResponse):
    """JSON, in one go: for short answers."""

    def render(self, content: Any) -> bytes:
        return encode(content)


def encode(content: Any) -> bytes:
    """As JSON in ASCII: names of files may be no UTF-8, which Python holds as lone surrogates."""
    return json.dumps(content, separators=(",", ":")).encode()


async def answer_in_turns(turn: Turn, document: Mapping[str, Any], rows: str) -> Response:
    """A document that is long because of one list of ``rows``, encoded in turns."""
    head = encode({name: value for name, value in document.items() if name != rows})
    encoded = await in_turns(turn, document[rows], encode)
    body = b'%s,"%s":[%s]}' % (head[:-1], rows.encode(), b",".join(encoded))
    return Response(body, media_type="application/json")


async def refusal(request: Request, error: Exception) -> Response:
    """The answer to a request that is not carried out."""
    if isinstance(error, RefusedError):
        return Answer({"error": str(error)}, status_code=error.status)
    assert isinstance(error, HTTPException)
    return Answer({"error": error.detail}, status_code=error.status_code, headers=error.headers)
