"""``GET /metrics`` on the controller's socket.

As text it is rendered in a worker process: a thousand instances are a megabyte, and
prometheus_client would stay in the controller's memory. Who accepts ``application/x-ndjson``, as
`recon metrics` does, gets the numbers and renders them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.client import LINES
from reconciler.loop.controller import Controller
from reconciler.system.work.worker import WorkerError

if TYPE_CHECKING:
    from reconciler.api.metrics.facts import Facts

_RENDERED = "reconciler.api.metrics.text:rendered"
_PATIENCE = 8.0
"""Seconds for the text; Prometheus waits for 10."""


class MetricsRoute:
    """The handler."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._facts: Facts | None = None

    async def answer(self, request: Request) -> Response:
        if self._facts is None:
            from reconciler.api.metrics.facts import Facts  # noqa: PLC0415  only where it is asked

            self._facts = Facts(self._controller)
        lines = await self._facts.lines()
        accept = request.headers.get("accept", "")
        if accept == LINES:
            return Response(b"\n".join(lines), media_type=LINES)
        try:
            text, content_type = await self._controller.workers.call(
                _RENDERED, (lines, accept), owner="metrics", seconds=_PATIENCE
            )
        except WorkerError as error:
            return Answer({"error": f"metrics cannot be rendered: {error}"}, status=503)
        return Response(text, headers={"content-type": content_type})
