"""Answers as HTML: pages, refusals, files."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from reconciler.ui.dashboard.server.site import TYPES, Site, files
from reconciler.ui.dashboard.views.templates import render

_YEAR = "public, max-age=31536000, immutable"


class Answers:
    """Makes them for one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A whole page. ``live``: its sign of life, where it has one."""
        defaults = {"live": "", "here": "", "site": self._site}
        return HTMLResponse(render(template, **{**defaults, **values}), status_code=status)

    def message(
        self, status: int, title: str, message: str, remedy: str = "", *, back: str = ""
    ) -> Response:
        """A page that is a sentence or two."""
        words = {"title": title, "message": message, "remedy": remedy, "command": "", "back": back}
        return self.page("message.html", status=status, **words)

    def refusal(self, request: Request, status: int, message: str, remedy: str) -> Response:
        """Why a request is refused; where a password is wanted, the form for it."""
        if status == 401 and not message:
            return self.sign_in(401, "", next_of(request))
        titles = {401: "Signed out", 421: "Another name"}
        return self.message(status, titles.get(status, "Refused"), message, remedy)

    def sign_in(self, status: int, message: str, next_page: str) -> Response:
        """The form for the password."""
        words = {"title": "Sign in", "message": message, "next": next_page}
        return self.page("sign_in.html", status=status, **words)

    def file(self, name: str) -> Response:
        """One of the page's own files; they are known by name, so there is no path to leave."""
        content = files().get(name)
        if content is None:
            return self.message(404, "Not found", "There is no such file.")
        kind = TYPES["." + name.rpartition(".")[2]]
        return Response(content, media_type=kind, headers={"Cache-Control": _YEAR})


def next_of(request: Request) -> str:
    """The page to go to after signing in: a path of this site, nothing else."""
    return safe_path(request.url.path if request.method == "GET" else "/")


def safe_path(path: str) -> str:
    """``path`` where it leads to this site; ``//host`` and ``/\\host`` do not."""
    is_own = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_own and "/stream" not in path else "/"
