"""A long answer as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.api.asgi.response import Response, encode
from reconciler.api.server.turn import Turn, in_turns


async def answer_in_turns(turn: Turn, document: Mapping[str, Any], rows: str) -> Response:
    """A document that is long because of one list of ``rows``, encoded in turns."""
    head = encode({name: value for name, value in document.items() if name != rows})
    encoded = await in_turns(turn, document[rows], encode)
    body = b'%s,"%s":[%s]}' % (head[:-1], rows.encode(), b",".join(encoded))
    return Response(body, media_type="application/json")
