"""Logs: the last lines below an app, a page to search them, and their stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.feed.log_stream import LogStream
from reconciler.ui.dashboard.server.feed.stream import lines_of
from reconciler.ui.dashboard.views.text.log_lines import rows_of

_TAIL = 20
_LINES = 300
_MOST = 1000
_LONGEST = 200
"""Characters of what is searched for."""


class LogQuery(NamedTuple):
    """What the address of a log says."""

    search: str = ""
    stream: str = ""
    instance: str = ""
    before: str = ""

    def parameters(self) -> dict[str, Any]:
        """For ``Client.logs``."""
        found: dict[str, Any] = {
            "search": self.search or None,
            "stream": self.stream or None,
            "instance": int(self.instance) if self.instance else None,
            "before": self.before or None,
        }
        return {key: value for key, value in found.items() if value is not None}


class Following(NamedTuple):
    """A client of its own for one stream, and how to end what it waits for."""

    controller: Client
    close: Callable[[], None]


class Logs:
    """Of one controller. ``follow`` makes a client that can be ended while it waits."""

    def __init__(self, controller: Client, follow: Callable[[], Following]) -> None:
        self._controller = controller
        self._follow = follow

    def tail(self, name: str) -> list[dict[str, Any]]:
        """The last lines of an app; none where they are unavailable."""
        try:
            return rows_of(self._controller.logs(name, lines=_TAIL))
        except ClientError:
            return []

    def page(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        """What the page of the logs shows."""
        wanted, problem = _query_of(query), ""
        try:
            lines = rows_of(
                self._controller.logs(name, lines=_LINES, **wanted.parameters()), wanted.search
            )
        except ClientError as error:
            lines, problem = [], str(error)
        shown = {key: value for key, value in wanted._asdict().items() if value}
        older = ""
        if len(lines) >= _LINES:
            older = f"/apps/{name}/logs?{urlencode({**shown, 'before': lines[0]['position']})}"
        follow = (
            ""
            if wanted.before
            else f"/apps/{name}/logs/stream?" + urlencode({**shown, "lines": _LINES})
        )
        return {
            "wanted": wanted,
            "lines": lines,
            "problem": problem,
            "older": older,
            "follow": follow,
        }

    async def stream(self, request: Request) -> Response:
        """The lines as they are written."""
        name, wanted = request.path_params["app"], _query_of(request.query_params)
        given = request.query_params.get("lines", "")
        lines = min(_MOST, int(given)) if given.isascii() and given.isdecimal() else _TAIL
        following = self._follow()
        stream = LogStream(
            lambda: following.controller.logs(
                name, lines=lines, follow=True, **wanted.parameters()
            ),
            following.close,
        )
        return lines_of(stream, wanted.search)


def _query_of(query: Mapping[str, str]) -> LogQuery:
    stream, instance = query.get("stream", ""), query.get("instance", "")
    return LogQuery(
        query.get("search", "")[:_LONGEST],
        stream if stream in ("stdout", "stderr") else "",
        instance if instance.isascii() and instance.isdecimal() and len(instance) < 7 else "",
        query.get("before", "")[:_LONGEST],
    )
