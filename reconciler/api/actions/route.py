"""`POST /v1/apps/{app}/{action}` and `POST /v1/{action}`: a name, a body, an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from reconciler.api.actions.answer import Done, action_document
from reconciler.api.actions.body import Body
from reconciler.api.actions.confirmations import Confirmations
from reconciler.api.actions.edits import Edits
from reconciler.api.actions.requests import NamedRequests
from reconciler.api.asgi.application import Route
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.server.actors import Actors
from reconciler.loop.controller import Controller

_DRY_RUN = "dryRun"


class Action(NamedTuple):
    """One action. ``call`` takes the app, or None, the body and a way to learn who requests it."""

    call: Callable[..., Awaitable[Done]]
    verb: str
    """As it stands in the audit."""
    fields: tuple[str, ...] = ()
    """Of the body, beside ``dryRun``."""


class ActionRoutes:
    """All actions of one controller, as routes."""

    def __init__(self, controller: Controller, actors: Actors) -> None:
        self._actors = actors
        edits, named = Edits(controller), NamedRequests(controller)
        confirmations = Confirmations(controller)
        self._of_app = {
            "restart": Action(named.restart, "restart"),
            "suspend": Action(edits.suspend, "suspend"),
            "resume": Action(edits.resume, "resume"),
            "scale": Action(edits.scale, "scale", ("instances",)),
            "undo": Action(edits.undo, "rollout undo", ("revision",)),
            "pause": Action(named.pause, "rollout pause"),
            "unpause": Action(named.unpause, "rollout resume"),
            "run-job": Action(named.run_job, "run-job"),
            "confirm-load": Action(confirmations.load, "apply"),
        }
        self._of_all = {
            "confirm-prune": Action(confirmations.prune, "apply"),
            "confirm-load": Action(confirmations.load, "apply"),
        }

    def routes(self) -> Iterator[Route]:
        """One route an action, so that another name is a 404 and another method a 405."""
        for name, action in self._of_app.items():
            call = partial(self._answer, name, action)
            yield Route(f"/v1/apps/{{app}}/{name}", call, methods=["POST"])
        for name, action in self._of_all.items():
            yield Route(f"/v1/{name}", partial(self._answer, name, action), methods=["POST"])

    async def _answer(self, name: str, action: Action, request: Request) -> Response:
        app: str | None = request.path_params.get("app")
        body = Body(await request.body(), (_DRY_RUN, *action.fields))
        dry_run = body.flag(_DRY_RUN)
        by: Any = partial(self._actors.of, request, action.verb)
        done = await action.call(app, body, by, dry_run=dry_run)
        return Answer(action_document(name, app, done))
