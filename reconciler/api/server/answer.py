"""An answer as JSON, and a refusal as ``{"error": "<sentence>"}``."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.api.actions.answer import RefusedError


class Answer(JSONResponse):
    """JSON in ASCII: names of files may be no UTF-8, which Python holds as lone surrogates."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


async def refusal(request: Request, error: Exception) -> Response:
    """The answer to a request that is not carried out."""
    if isinstance(error, RefusedError):
        return Answer({"error": str(error)}, status_code=error.status)
    assert isinstance(error, HTTPException)
    return Answer({"error": error.detail}, status_code=error.status_code, headers=error.headers)
