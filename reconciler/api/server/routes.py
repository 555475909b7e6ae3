"""What the controller answers, and what it can be asked to do. All documents carry their version.

Errors are ``{"error": "<sentence>"}`` with a 4xx status.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from reconciler import __version__
from reconciler.api.actions.body import Body
from reconciler.api.actions.lookup import a_job, unknown
from reconciler.api.actions.route import ActionRoutes
from reconciler.api.asgi.application import Application, Route
from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Request
from reconciler.api.asgi.response import Answer, Response
from reconciler.api.documents.causes import Subject, explained
from reconciler.api.documents.describe import describe_document
from reconciler.api.documents.event import ENDS, last_crash
from reconciler.api.documents.notices import troubles_document
from reconciler.api.documents.plan import fields_sought, of_apps, placed
from reconciler.api.documents.status import (
    FORMAT_VERSION,
    Usage,
    change_document,
    journal_document,
    run_document,
    status_around,
    status_of,
    statuses,
)
from reconciler.api.documents.usage import history_documents, usage_around, usage_rows
from reconciler.api.logs.route import LogsRoute
from reconciler.api.metrics.route import MetricsRoute
from reconciler.api.server.actors import Actors
from reconciler.api.server.answer import answer_in_turns
from reconciler.api.server.aside import Aside
from reconciler.api.server.events import events
from reconciler.api.server.notices import NoticesRoutes
from reconciler.api.server.turn import Turn, in_turns
from reconciler.desired.text.places import TASK, Places
from reconciler.loop.controller import Controller
from reconciler.model.host.facts import to_document
from reconciler.model.state.builder import builder_name
from reconciler.model.state.plan import Plan
from reconciler.system.clock import boot_now, wall_of
from reconciler.system.work.worker import WorkerError

_OPENAPI = "reconciler.api.schema.openapi:rendered"
_EXPLAINED = 50
"""Apps of one request whose causes are looked for."""
_PATIENCE = 3.0
"""Seconds for the causes of one app: a disk that does not answer is not waited for."""


def application(controller: Controller) -> Application:
    """The ASGI application of one controller."""
    routes = Routes(controller)
    return Application(
        [
            Route("/v1/version", routes.version),
            Route("/v1/openapi.json", routes.openapi),
            Route("/v1/host", routes.host),
            Route("/v1/journal", routes.journal),
            Route("/v1/output", routes.output),
            Route("/v1/status", routes.status),
            Route("/v1/describe/{app}", routes.describe),
            Route("/v1/plan", routes.plan),
            Route("/v1/usage", routes.usage),
            Route("/v1/events", routes.events),
            Route("/v1/logs/{app}", LogsRoute(controller).answer),
            Route("/v1/apply", routes.apply, methods=["POST"]),
            Route("/v1/runs/{app}", routes.runs),
            Route("/v1/down", routes.down, methods=["POST"]),
            Route("/metrics", MetricsRoute(controller).answer),
            *ActionRoutes(controller, routes.actors).routes(),
            *NoticesRoutes(controller).routes(),
        ],
    )


class Routes:
    """The handlers; each reads or nudges the controller and returns."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._aside = Aside()
        self.actors = Actors()

    async def version(self, request: Request) -> Response:
        options = self._controller.options
        return Answer(
            {
                "formatVersion": FORMAT_VERSION,
                "version": __version__,
                "pid": os.getpid(),
                "manifests": str(options.manifests),
                "stateDir": str(options.paths.root),
                "profile": options.profile,
            }
        )

    async def openapi(self, request: Request) -> Response:
        """How the API is spoken to. Made elsewhere: its models are no part of the controller."""
        try:
            text = await self._controller.workers.call(_OPENAPI, None, owner="schema", seconds=30.0)
        except WorkerError as error:
            raise RefusedError(f"the document cannot be made now: {error}", 503) from None
        return Response(text, media_type="application/json")

    async def host(self, request: Request) -> Response:
        facts = to_document(self._controller.facts)
        return Answer({"formatVersion": FORMAT_VERSION, "facts": facts})

    async def journal(self, request: Request) -> Response:
        journal = journal_document(self._controller.history.journal)
        return Answer({"formatVersion": FORMAT_VERSION, **journal})

    async def output(self, request: Request) -> Response:
        held = self._controller.held()
        facts = held._asdict() if held is not None else {}
        return Answer({"formatVersion": FORMAT_VERSION, "isKept": held is not None, **facts})

    async def status(self, request: Request) -> Response:
        turn = Turn()
        document = await self._status(turn)
        names = request.query_params.getlist("explain")[:_EXPLAINED]
        await self._explain(row for row in document["apps"] if row["name"] in names)
        return await answer_in_turns(turn, document, "apps")

    async def describe(self, request: Request) -> Response:
        name = request.path_params["app"]
        controller = self._controller
        document = await self._status(Turn())
        status = next((a for a in document["apps"] if a["name"] == name), None)
        if status is None:
            names = [app["name"] for app in document["apps"]]
            raise RefusedError(unknown(name, names), 404)
        await self._explain([status])
        return Answer(
            describe_document(
                status,
                controller.declared().get(name),
                controller.history.memory(name),
                controller.history.events((name, builder_name(name)), limit=30),
                usage=self._histories(name),
                builds=controller.history.memory(builder_name(name)).runs,
                problems=document["errors"],
            )
        )

    async def plan(self, request: Request) -> Response:
        """What would change, as `apply --dry-run` shows it. A place that is not found in time is
        left out."""
        controller = self._controller
        made = of_apps(await self._plan(Turn()), request.query_params.getlist("app"))
        sought = fields_sought(made, controller.options.profile or controller.settings.profile)
        found: Places = {}
        if sought:
            with suppress(WorkerError):
                found = await controller.workers.call(TASK, sought, owner="plan", seconds=_PATIENCE)
        return Answer(change_document(made, placed(sought, found)))

    async def usage(self, request: Request) -> Response:
        apps = request.query_params.getlist("app")
        everyone, sampling = self._controller.processes(), self._controller.sampling
        processes = [process for process in everyone if not apps or process.tag.app in apps]
        found = usage_rows(
            processes, sampling.samples(), sampling.known, sampling.limits, wall_of(0.0)
        )
        turn = Turn()
        rows = await in_turns(turn, found, lambda row: row)
        return await answer_in_turns(turn, usage_around(rows, _about()), "instances")

    async def events(self, request: Request) -> Response:
        return await events(request, self._controller.history)

    async def apply(self, request: Request) -> Response:
        """Have the manifests read again now."""
        Body(await request.body(), ())
        by = await self.actors.of(request, "apply")
        self._controller.requests.applied(by)
        await self._controller.rescan()
        await self._controller.looked()
        self._controller.requests.admit(by=by)
        await self._controller.settle()
        problems = self._controller.mistakes()
        return Answer(
            {"formatVersion": FORMAT_VERSION, "problems": [str(problem) for problem in problems]}
        )

    async def runs(self, request: Request) -> Response:
        """The runs of a Job, or the builds of an app, that are remembered."""
        name = a_job(self._controller, request.path_params["app"]).name
        found = [run_document(run) for run in self._controller.history.memory(name).runs]
        return Answer({"formatVersion": FORMAT_VERSION, "app": name, "runs": found})

    async def down(self, request: Request) -> Response:
        Body(await request.body(), ())
        self._controller.down(await self.actors.of(request, "down"))
        return Answer({"formatVersion": FORMAT_VERSION}, status=202)

    async def _plan(self, turn: Turn) -> Plan:
        apps = await in_turns(turn, self._controller.plans(), lambda app: app)
        return Plan(tuple(apps), self._controller.mistakes())

    async def _status(self, turn: Turn) -> dict[str, Any]:
        controller = self._controller
        plan = await self._plan(turn)
        now, wall_now = boot_now(), time.time()
        used = {
            nonce: Usage(found.rss, found.cpu)
            for nonce, found in controller.sampling.samples().items()
        }
        rows = await in_turns(
            turn, statuses(plan), lambda status: status_of(status, used, now, wall_now)
        )
        document = status_around(rows, plan, _about(), controller.history.journal)
        notices = controller.notices
        document["notifications"] = troubles_document(notices.records, notices.process)
        return document

    async def _explain(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add why they are not well; without it where a disk does not answer in time."""
        controller = self._controller
        pending = []
        for row in rows:
            name = row["name"]
            app = controller.declared().get(name)
            if app is None:
                continue
            subject = Subject(
                *(name, app, controller.history.memory(name), controller.processes(name)),
                builder=controller.history.memory(builder_name(name)),
                state_dir=controller.options.paths.root,
                redact=controller.redact,
            )
            pending.append((row, subject))
        for row, subject in pending:
            row["lastCrash"] = last_crash(controller.history.ends(subject.name, ENDS))
            found = await self._aside.run(partial(explained, row, subject), _PATIENCE)
            row.update(found or {})

    def _histories(self, app: str) -> list[dict[str, Any]]:
        processes, sampling = self._controller.processes(app), self._controller.sampling
        return history_documents(processes, sampling.known, sampling.limits, wall_of(0.0))


def _about() -> dict[str, Any]:
    return {"running": True, "pid": os.getpid(), "version": __version__}
