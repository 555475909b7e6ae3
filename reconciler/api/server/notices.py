"""`GET /v1/notifications` and `POST /v1/notifications/test`."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reconciler.api.asgi.application import Route
from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.documents.notices import FORMAT_VERSION, notices_document, unknown_target
from reconciler.loop.controller import Controller


class NoticesRoutes:
    """What is declared and how it goes; and a test, which waits for the process that sends."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def routes(self) -> Iterator[Route]:
        """The two routes."""
        yield Route("/v1/notifications", self.overview)
        yield Route("/v1/notifications/test", self.test, methods=["POST"])

    async def overview(self, request: Request) -> Response:
        """The targets, and how sending to each goes."""
        own = self._controller.notices
        return Answer(notices_document(own.targets, own.records, own.waiting(), own.process))

    async def test(self, request: Request) -> Response:
        """Send a test message to the targets of the body, or to all."""
        notices = self._controller.notices
        targets = notices.targets
        names = _names(await request.body()) or [*targets]
        unknown = [name for name in names if name not in targets]
        if unknown or not targets:
            raise RefusedError(unknown_target(unknown[0] if unknown else "", [*targets]), 404)
        results = await notices.test(dict.fromkeys(names))
        rows = [{"target": name, "error": error or None} for name, error in results.items()]
        return Answer({"formatVersion": FORMAT_VERSION, "results": rows})


def _names(text: bytes) -> list[str]:
    try:
        body = json.loads(text or b"{}")
        names = body.get("targets", [])
    except (ValueError, AttributeError, RecursionError):
        raise RefusedError("the body of the request must be a JSON object", 400) from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RefusedError('"targets" must be a list of names', 400)
    return names
