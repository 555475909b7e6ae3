"""The ASGI application: which address is which page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.actions import Actions
from reconciler.ui.dashboard.server.answers import Answers
from reconciler.ui.dashboard.server.doors import Doors
from reconciler.ui.dashboard.server.feed.hub import Hub
from reconciler.ui.dashboard.server.feed.reader import NoSuchAppError
from reconciler.ui.dashboard.server.feed.stream import changes_of
from reconciler.ui.dashboard.server.flashes import Flashes
from reconciler.ui.dashboard.server.logs import Logs
from reconciler.ui.dashboard.server.views import (
    AppView,
    EventsView,
    FrameView,
    HostView,
    JobsView,
    OverviewView,
    View,
)
from reconciler.ui.dashboard.views.overview import Wanted
from reconciler.ui.dashboard.views.sorting import SORTS

_LONGEST = 200
"""Characters of what is searched for."""


def application(hub: Hub, answers: Answers, doors: Doors, logs: Logs) -> Starlette:
    """All pages; the gate stands in front of them (``security.gate``)."""
    flashes = Flashes()
    pages, actions = Pages(hub, answers, logs, flashes), Actions(hub, answers, flashes)
    return Starlette(
        routes=[
            Route("/", pages.overview),
            Route("/apps/{app}", pages.app),
            Route("/apps/{app}/logs", pages.logs),
            Route("/apps/{app}/logs/stream", logs.stream),
            Route("/apps/{app}/act/{action}", actions.show),
            Route("/apps/{app}/act/{action}", actions.do, methods=["POST"]),
            Route("/act/{action}", actions.show),
            Route("/act/{action}", actions.do, methods=["POST"]),
            Route("/events", pages.events),
            Route("/jobs", pages.jobs),
            Route("/host", pages.host),
            Route("/stream/{page}", pages.stream),
            Route("/stream/{page}/{app}", pages.stream),
            Route("/open", doors.open),
            Route("/sign-in", doors.form),
            Route("/sign-in", doors.sign_in, methods=["POST"]),
            Route("/leave", doors.leave, methods=["POST"]),
            Route("/static/{version}/{name}", pages.file),
        ],
        exception_handlers={
            HTTPException: pages.http_error,
            NoSuchAppError: pages.no_such_app,
            ClientError: pages.unknown,
        },
    )


class Pages:
    """The pages that show something."""

    def __init__(self, hub: Hub, answers: Answers, logs: Logs, flashes: Flashes) -> None:
        self._hub = hub
        self._answers = answers
        self._logs = logs
        self._flashes = flashes

    async def overview(self, request: Request) -> Response:
        wanted, query = _wanted(request), request.query_params
        layout = "cards" if query.get("view") == "cards" else "rows"
        values = {"wanted": wanted, "sorts": [*SORTS], "layout": layout}
        stream = f"/stream/apps?{urlencode({'q': wanted.query, 'sort': wanted.sort})}"
        return await self._page(
            request, "overview.html", "Apps", OverviewView(wanted), stream, here="/", **values
        )

    async def app(self, request: Request) -> Response:
        name = request.path_params["app"]
        tail = await asyncio.to_thread(self._logs.tail, name)
        return await self._page(
            *(request, "app.html", name, AppView(name), f"/stream/app/{name}"), name=name, tail=tail
        )

    async def logs(self, request: Request) -> Response:
        name = request.path_params["app"]
        found = await asyncio.to_thread(self._logs.page, name, request.query_params)
        snapshot = await self._hub.snapshot()
        app = snapshot.app(name)
        instances = [str(n) for n in range(app["desired"])] if app is not None else []
        title, stream = f"Logs of {name}", "/stream/frame"
        values = {**found, "name": name, "instances": instances}
        return await self._page(request, "logs.html", title, FrameView(), stream, **values)

    async def events(self, request: Request) -> Response:
        wanted = request.query_params.get("type", "")
        view = EventsView(wanted if wanted in ("Warning", "audit") else "")
        stream = f"/stream/events?{urlencode({'type': view.type})}"
        return await self._page(
            request, "events.html", "Events", view, stream, here="/events", type=view.type
        )

    async def jobs(self, request: Request) -> Response:
        return await self._page(
            request, "jobs.html", "Jobs", JobsView(), "/stream/jobs", here="/jobs"
        )

    async def host(self, request: Request) -> Response:
        return await self._page(
            request, "host.html", "Host", HostView(), "/stream/frame", here="/host"
        )

    async def stream(self, request: Request) -> Response:
        """What changes on one of these pages."""
        name = request.path_params.get("app", "")
        views: dict[str, Callable[[], View]] = {
            "apps": lambda: OverviewView(_wanted(request)),
            "app": lambda: AppView(name),
            "events": lambda: EventsView(request.query_params.get("type", "")),
            "jobs": JobsView,
            "frame": FrameView,
        }
        make = views.get(request.path_params["page"])
        if make is None or bool(name) != (request.path_params["page"] == "app"):
            raise HTTPException(404)
        view = make()
        if name:
            await self._hub.page(view)  # no stream of an app that does not exist
        state = request.headers.get("last-event-id") or request.query_params.get("state", "")
        return changes_of(self._hub, view, state)

    async def file(self, request: Request) -> Response:
        return self._answers.file(request.path_params["name"])

    async def _page(
        self, request: Request, template: str, title: str, view: View, stream: str, **values: Any
    ) -> Response:
        state, pieces = await self._hub.page(view)
        return self._answers.page(
            template,
            title=title,
            stream=stream,
            state=state,
            pieces=_Markup(pieces.html),
            order=pieces.order,
            live=_safe(pieces.html["live"]),
            flash=self._flashes.take(request),
            **values,
        )

    async def http_error(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        words = {404: "There is no such page.", 405: "This page cannot be used like that."}
        message = words.get(status, "That did not work.")
        return self._answers.message(
            status, "Not found" if status == 404 else "Refused", message, back="/"
        )

    async def no_such_app(self, request: Request, error: Exception) -> Response:
        name = request.path_params.get("app", "")
        message = f"No app named {name} is declared, and nothing of it runs."
        return self._answers.message(404, "No such app", message, back="/")

    async def unknown(self, request: Request, error: Exception) -> Response:
        remedy = (
            "Start the controller with `recon apply` or `recon run`, then load this page again."
        )
        return self._answers.message(503, "Nothing is known yet", f"{error}.", remedy, back="/")


class _Markup(dict[str, Any]):
    """Pieces by id, as HTML that the server made: not escaped a second time."""

    def __init__(self, html: Any) -> None:
        super().__init__({key: _safe(text) for key, text in html.items()})


def _safe(html: str) -> Any:
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(html)


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    sort = query.get("sort", "name")
    return Wanted(query.get("q", "")[:_LONGEST], sort if sort in SORTS else "name")
