"""How a browser gets a session: by a one-time link, or by the password."""

from __future__ import annotations

import asyncio
import ipaddress

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reconciler.ui.dashboard.security.links import Links
from reconciler.ui.dashboard.security.password import Password
from reconciler.ui.dashboard.security.sessions import Sessions, cookie, cookie_name
from reconciler.ui.dashboard.security.tries import Tries
from reconciler.ui.dashboard.server.answers import Answers, safe_path
from reconciler.ui.dashboard.server.forms import form_of

_USED = "This link has been used, or is older than an hour."
_AGAIN = "Run `recon dashboard` on the host again: it prints a new link."
_AT_A_TIME = 2


class Doors:
    """Links and the password."""

    def __init__(
        self,
        answers: Answers,
        sessions: Sessions,
        links: Links,
        password: Password | None,
        *,
        port: int,
        is_secure: bool,
    ) -> None:
        """``is_secure``: browsers come by https only, through a proxy."""
        self._answers = answers
        self._sessions = sessions
        self._links = links
        self._password = password
        self._cookie = cookie_name(port)
        self._is_secure = is_secure
        self._tries = Tries()
        self._hashing = asyncio.Semaphore(_AT_A_TIME)

    async def open(self, request: Request) -> Response:
        """The one-time link. A page that leads on, not a redirect: a browser that comes from
        another site would send no cookie along a redirect (SameSite=Strict)."""
        word = request.query_params.get("token", "")
        if request.method != "GET" or not self._links.use(word):
            if self._sessions.goes_on(request.scope["recon.session"]):
                return RedirectResponse("/", status_code=303)
            return self._answers.message(403, "This link is void", _USED, _AGAIN)
        answer = self._answers.page("opened.html", title="Opened")
        self._begin(answer)
        return answer

    async def form(self, request: Request) -> Response:
        """The form for the password."""
        if self._password is None or self._sessions.goes_on(request.scope["recon.session"]):
            return RedirectResponse("/", status_code=303)
        return self._answers.sign_in(200, "", "/")

    async def sign_in(self, request: Request) -> Response:
        """Try a password."""
        form = await form_of(request)
        given, next_page = form.get("password", ""), safe_path(form.get("next", "/"))
        if self._password is None:
            return self._answers.message(404, "Not found", "This page has no password.")
        address = address_of(request)
        wait = self._tries.wait(address)
        if wait > 0:
            answer = self._answers.sign_in(
                429, f"Too many tries: wait {int(wait) + 1} s, then try again.", next_page
            )
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        async with self._hashing:
            is_right = await asyncio.to_thread(self._password.matches, given[:1024])
        if not is_right:
            return self._answers.sign_in(403, "That is not the password.", next_page)
        self._tries.forgive(address)
        answer = RedirectResponse(next_page, status_code=303)
        self._begin(answer)
        return answer

    async def leave(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(request.scope["recon.session"])
        answer = self._answers.message(200, "Signed out", "This browser is signed out.", _AGAIN)
        if self._password is not None:
            answer = RedirectResponse("/sign-in", status_code=303)
        answer.headers["Set-Cookie"] = cookie(self._cookie, "", is_secure=self._is_secure)
        return answer

    def _begin(self, answer: Response) -> None:
        word = self._sessions.begin()
        answer.headers["Set-Cookie"] = cookie(self._cookie, word, is_secure=self._is_secure)


def address_of(request: Request) -> str:
    """Whose tries are counted: behind a proxy of this host, that of the proxy's client, which the
    proxy wrote last into X-Forwarded-For."""
    client = request.client.host if request.client is not None else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        if forwarded and ipaddress.ip_address(client).is_loopback:
            return str(ipaddress.ip_address(forwarded))
    except ValueError:
        pass
    return client
