"""Changes that a person makes on the page: shown first, done after a confirmation."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.answers import Answers
from reconciler.ui.dashboard.server.feed.hub import Hub
from reconciler.ui.dashboard.server.flashes import Flashes
from reconciler.ui.dashboard.server.forms import form_of
from reconciler.ui.dashboard.views.confirmation import (
    ACTIONS,
    OF_ALL,
    edits_of,
    fingerprint,
    parameters_of,
)
from reconciler.ui.dashboard.views.templates import render

_CHANGED = "The manifest has changed since that edit was shown; this is the edit now."


class Actions:
    """GET shows what would be done, POST does it."""

    def __init__(self, hub: Hub, answers: Answers, flashes: Flashes) -> None:
        self._hub = hub
        self._answers = answers
        self._flashes = flashes

    async def show(self, request: Request) -> Response:
        """The confirmation; as a part of a page where the page's module asks for it."""
        action, app = self._of(request)
        if action is None:
            return self._answers.message(404, "Not found", "There is no such action.")
        return await self._confirmation(request, action, app, dict(request.query_params))

    async def do(self, request: Request) -> Response:
        """Do it, if the edit is still the one that was shown."""
        action, app = self._of(request)
        if action is None:
            return self._answers.message(404, "Not found", "There is no such action.")
        form = await form_of(request)
        try:
            parameters = parameters_of(action, form) or {}
            shown = await self._act(action, app, parameters, dry_run=True)
            if fingerprint(shown) != form.get("seen"):
                return await self._confirmation(request, action, app, form, notice=_CHANGED)
            answer = await self._act(action, app, parameters, dry_run=False)
        except (ClientError, ValueError) as error:
            return await self._confirmation(request, action, app, form, notice=str(error))
        self._flashes.put(request, answer["message"])
        await self._hub.look(app)
        return RedirectResponse(_back(app), status_code=303)

    async def _confirmation(
        self,
        request: Request,
        action: str,
        app: str | None,
        given: dict[str, str],
        notice: str = "",
    ) -> Response:
        words = (ACTIONS if app is not None else OF_ALL)[action]
        values: dict[str, Any] = {
            "title": words.title.format(app),
            "sentence": words.sentence,
            "button": words.button,
            "action": request.url.path,
            "back": _back(app),
            "needs": "Instances (a number, max or max-1)" if action == "scale" else "",
            "value": given.get("instances", ""),
            "answer": None,
            "hidden": [],
            "refusal": notice,
        }
        try:
            parameters = parameters_of(action, given)
            if parameters is not None:
                answer = await self._act(action, app, parameters, dry_run=True)
                values["answer"] = {**answer, "edits": edits_of(answer)}
                values["hidden"] = [*parameters.items(), ("seen", fingerprint(answer))]
        except (ClientError, ValueError) as error:
            values["refusal"] = str(error)
        status = 409 if values["refusal"] else 200
        if request.headers.get("x-part") == "dialog":
            return Response(
                render("confirm_form.html", **values), status_code=status, media_type="text/html"
            )
        return self._answers.page("confirm.html", status=status, **values)

    async def _act(
        self, action: str, app: str | None, parameters: dict[str, Any], *, dry_run: bool
    ) -> dict[str, Any]:
        controller = self._hub.reader.controller
        return await asyncio.to_thread(
            lambda: controller.act(action, app, dry_run=dry_run, **parameters)
        )

    def _of(self, request: Request) -> tuple[str | None, str | None]:
        """The action and its app; no action where there is none of that name."""
        action, app = request.path_params["action"], request.path_params.get("app")
        known = ACTIONS if app is not None else OF_ALL
        return (action if action in known else None), app


def _back(app: str | None) -> str:
    return "/" if app is None else f"/apps/{app}"
