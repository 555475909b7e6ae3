"""Routes, and the application that finds the one of a request."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Message, Receive, Request, Scope, Send
from reconciler.api.asgi.response import Answer, Response

Handler = Callable[[Request], Awaitable[Response]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_PLACE = re.compile(r"\\{(\w+)\\}")
"""``{app}`` in a path that was escaped: any text without a slash."""


class Route:
    """A path, the methods that it takes, and what answers."""

    def __init__(self, path: str, handler: Handler, methods: Collection[str] = ("GET",)) -> None:
        self.path = path
        self.handler = handler
        # RFC 9110, 9.1: what can be read can be asked for its headers alone.
        self.methods = {*methods, *(["HEAD"] if "GET" in methods else [])}
        self._pattern = re.compile(_PLACE.sub(r"(?P<\1>[^/]+)", re.escape(path)), re.DOTALL)

    def match(self, path: str) -> dict[str, str] | None:
        """The named parts of a path; None where it is another."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()


class Application:
    """Answers each request by the first route of its path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = [*routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            answer = await self._answer(scope, receive)
            await answer(scope, receive, noted)
        except Exception:
            if not has_begun:
                await _refused("Internal Server Error", 500)(scope, receive, send)
            raise

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        allowed: set[str] = set()
        for route in self.routes:
            found = route.match(scope["path"])
            if found is None:
                continue
            allowed |= route.methods
            if scope["method"] in route.methods:
                try:
                    return await route.handler(Request({**scope, "path_params": found}, receive))
                except RefusedError as error:
                    return _refused(str(error), error.status)
        if allowed:
            return _refused("Method Not Allowed", 405, {"allow": ", ".join(sorted(allowed))})
        return _refused("Not Found", 404)


def _refused(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Answer({"error": message}, status, headers)
