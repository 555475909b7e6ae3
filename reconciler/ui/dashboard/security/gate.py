"""In front of every page: from where may be asked, by whom, and what the answer carries.

The order matters: the name first (DNS rebinding), then the origin (forged forms), then the user at
the other end of the connection, then the session. What is refused is refused with a sentence that
says what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.ui.dashboard.security.headers import secured
from reconciler.ui.dashboard.security.hosts import Hosts
from reconciler.ui.dashboard.security.peer import Peers
from reconciler.ui.dashboard.security.sessions import Sessions, cookie_name, word_of

Refuse = Callable[[Request, int, str, str], Response]
"""Makes the page of a refusal: status, what is wrong, what to do."""
_READS: Final = frozenset({"GET", "HEAD"})
_OPEN: Final = ("/static/", "/sign-in", "/open")
"""Beginnings of what needs no session."""
_LARGEST = 2**16
"""Bytes of a form."""


class Gate:
    """ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Hosts,
        sessions: Sessions,
        refuse: Refuse,
        peers: Peers | None,
        port: int,
        wants_password: bool,
    ) -> None:
        """``peers``: None where a password says who may see the page."""
        self._app = app
        self._hosts = hosts
        self._sessions = sessions
        self._refuse = refuse
        self._peers = peers
        self._cookie = cookie_name(port)
        self._wants_password = wants_password

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": secured([*message.get("headers", ())])}
            await send(message)

        request = Request(scope, receive)
        refused = self._refusal(request)
        scope["recon.session"] = word_of(request.headers.get("cookie", ""), self._cookie)
        answer: Callable[[Scope, Receive, Send], Awaitable[None]] = refused or self._app
        await answer(scope, receive, send_secured)

    def _refusal(self, request: Request) -> Response | None:
        headers, scope = request.headers, request.scope
        host = headers.get("host", "")
        if not self._hosts.allows(host) or len(headers.getlist("host")) != 1:
            return self._refuse(
                request,
                421,
                "This page does not answer to that name.",
                "Open it by the address that `recon dashboard` printed. Behind a proxy, start it"
                " with --public-url.",
            )
        if request.method not in _READS and (problem := self._forged(host, headers)):
            return self._refuse(request, 403, problem, "Open the page itself and try there.")
        if self._peers is not None and (problem := self._stranger(scope)):
            return self._refuse(request, 403, problem[0].upper() + problem[1:] + ".", "")
        if scope["path"].startswith(_OPEN):
            return None
        word = word_of(headers.get("cookie", ""), self._cookie)
        if word and self._sessions.goes_on(word):
            return None
        return self._signed_out(request, had_session=bool(word))

    def _forged(self, host: str, headers: Headers) -> str:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _LARGEST or "transfer-encoding" in headers:
            return "This request is too large."
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if self._hosts.is_same_origin(host, origin, site):
            return ""
        return "This request comes from another page, so nothing was done."

    def _stranger(self, scope: Scope) -> str:
        client, server = scope.get("client"), scope.get("server")
        if self._peers is None or client is None or server is None:
            return "it is unknown who asks"
        return self._peers.refusal((client[0], client[1]), (server[0], server[1]))

    def _signed_out(self, request: Request, *, had_session: bool) -> Response:
        if self._wants_password:
            return self._refuse(request, 401, "", "")
        what = (
            "Your session has ended: the page was started again, or was not used for long."
            if had_session
            else "This page opens with a one-time link."
        )
        return self._refuse(
            request,
            401,
            what,
            "Run `recon dashboard` on the host and open the link that it prints.",
        )
