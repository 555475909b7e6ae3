"""What the controller answers, and what it can be asked to do. All documents carry their version.

Errors are ``{"error": "<sentence>"}`` with a 4xx status.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler import __version__
from reconciler.api.documents.causes import Subject, explained
from reconciler.api.documents.describe import describe_document
from reconciler.api.documents.event import ENDS, last_crash
from reconciler.api.documents.status import (
    FORMAT_VERSION,
    Usage,
    journal_document,
    run_document,
    status_document,
)
from reconciler.api.documents.usage import history_documents, usage_document
from reconciler.api.metrics.route import MetricsRoute
from reconciler.api.server.actors import Actors
from reconciler.api.server.aside import Aside
from reconciler.api.server.events import events
from reconciler.loop.controller import Controller
from reconciler.model.host.facts import to_document
from reconciler.model.state.builder import builder_name
from reconciler.model.state.desired import DesiredJob
from reconciler.system.clock import boot_now, wall_of

_EXPLAINED = 50
"""Apps of one request whose causes are looked for."""
_PATIENCE = 3.0
"""Seconds for the causes of one app: a disk that does not answer is not waited for."""


class Answer(JSONResponse):
    """JSON in ASCII: names of files may be no UTF-8, which Python holds as lone surrogates."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def application(controller: Controller) -> Starlette:
    """The ASGI application of one controller."""
    routes = Routes(controller)
    return Starlette(
        routes=[
            Route("/v1/version", routes.version),
            Route("/v1/host", routes.host),
            Route("/v1/journal", routes.journal),
            Route("/v1/status", routes.status),
            Route("/v1/describe/{app}", routes.describe),
            Route("/v1/usage", routes.usage),
            Route("/v1/events", routes.events),
            Route("/v1/apply", routes.apply, methods=["POST"]),
            Route("/v1/restart", routes.restart, methods=["POST"]),
            Route("/v1/runs/{app}", routes.runs),
            Route("/v1/runs/{app}", routes.run, methods=["POST"]),
            Route("/v1/rollout/pause", routes.pause, methods=["POST"]),
            Route("/v1/rollout/resume", routes.resume, methods=["POST"]),
            Route("/v1/down", routes.down, methods=["POST"]),
            Route("/metrics", MetricsRoute(controller).answer),
        ],
        exception_handlers={HTTPException: _refusal},
    )


class Routes:
    """The handlers; each reads or nudges the controller and returns."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._aside = Aside()
        self._actors = Actors()

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

    async def host(self, request: Request) -> Response:
        facts = to_document(self._controller.facts)
        return Answer({"formatVersion": FORMAT_VERSION, "facts": facts})

    async def journal(self, request: Request) -> Response:
        journal = journal_document(self._controller.history.journal)
        return JSONResponse({"formatVersion": FORMAT_VERSION, **journal})

    async def status(self, request: Request) -> Response:
        document = self._status()
        names = request.query_params.getlist("explain")[:_EXPLAINED]
        await self._explain(row for row in document["apps"] if row["name"] in names)
        return Answer(document)

    async def describe(self, request: Request) -> Response:
        name = request.path_params["app"]
        controller = self._controller
        document = self._status()
        status = next((a for a in document["apps"] if a["name"] == name), None)
        if status is None:
            raise HTTPException(404, _unknown([name]))
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

    async def usage(self, request: Request) -> Response:
        apps = request.query_params.getlist("app")
        everyone, sampling = self._controller.processes(), self._controller.sampling
        processes = [process for process in everyone if not apps or process.tag.app in apps]
        used = sampling.samples()
        document = usage_document(
            processes,
            used,
            known=sampling.known,
            limits=sampling.limits,
            controller=_about(),
            wall_of_boot=wall_of(0.0),
        )
        return Answer(document)

    async def events(self, request: Request) -> Response:
        return await events(request, self._controller.history)

    async def apply(self, request: Request) -> Response:
        body = await _body(request)
        by = await self._actors.of(request, "apply")
        prune, load = bool(body.get("confirmPrune")), bool(body.get("confirmLoad"))
        self._controller.requests.applied(by, confirm_prune=prune, confirm_load=load)
        await self._controller.rescan(confirm_prune=prune)
        await self._controller.looked()
        self._controller.requests.admit(confirm=load, by=by)
        await self._controller.settle()
        problems = self._controller.plan().problems
        return Answer(
            {"formatVersion": FORMAT_VERSION, "problems": [str(problem) for problem in problems]}
        )

    async def restart(self, request: Request) -> Response:
        names = _names(await _body(request))
        declared = self._controller.declared()
        unknown = [name for name in names if name not in declared]
        if unknown:
            raise HTTPException(404, _unknown(unknown))
        jobs = [name for name in names if isinstance(declared[name], DesiredJob)]
        if jobs:
            message = f'"{jobs[0]}" is a Job, which is run and not restarted'
            raise HTTPException(409, f"{message}: `recon run-job {jobs[0]}`")
        for name in names:
            if self._controller.history.memory(name).paused:
                message = f"the rollout of {name} is paused, so nothing would be restarted"
                raise HTTPException(409, f"{message}; `recon rollout resume {name}` first")
        self._controller.requests.restart(names, await self._actors.of(request, "restart"))
        await self._controller.settle()
        return Answer({"formatVersion": FORMAT_VERSION, "apps": names})

    async def runs(self, request: Request) -> Response:
        """The runs of a Job, or the builds of an app, that are remembered."""
        name = self._job(request)
        found = [run_document(run) for run in self._controller.history.memory(name).runs]
        return Answer({"formatVersion": FORMAT_VERSION, "app": name, "runs": found})

    async def run(self, request: Request) -> Response:
        name = self._job(request)
        app = self._controller.declared()[name]
        if isinstance(app, DesiredJob) and app.spec.suspend and app.spec.schedule is None:
            raise HTTPException(409, f'"{name}" is suspended; `recon resume {name}` first')
        journal = self._controller.history.journal
        if not journal.writable:
            raise HTTPException(409, journal.text)
        by = await self._actors.of(request, "run-job")
        number = self._controller.requests.run_job(name, by)
        await self._controller.settle()
        return Answer({"formatVersion": FORMAT_VERSION, "app": name, "run": number})

    def _job(self, request: Request) -> str:
        name = str(request.path_params["app"])
        app = self._controller.declared().get(name)
        if app is None:
            raise HTTPException(404, _unknown([name]))
        if not isinstance(app, DesiredJob):
            message = f'"{name}" is an App, which has no runs; `recon restart {name}` replaces it'
            raise HTTPException(409, message)
        return name

    async def pause(self, request: Request) -> Response:
        name = await self._app(request)
        if self._controller.history.memory(name).paused:
            raise HTTPException(409, f'app "{name}" is already paused')
        self._controller.requests.pause(name, await self._actors.of(request, "rollout pause"))
        await self._controller.settle()
        return Answer({"formatVersion": FORMAT_VERSION, "app": name, "done": "paused"})

    async def resume(self, request: Request) -> Response:
        name = await self._app(request)
        by = await self._actors.of(request, "rollout resume")
        done = self._controller.requests.resume(name, by)
        if done is None:
            raise HTTPException(409, f'app "{name}" is not paused')
        await self._controller.settle()
        return Answer({"formatVersion": FORMAT_VERSION, "app": name, "done": done})

    async def _app(self, request: Request) -> str:
        """The app that a request is about."""
        name = str((await _body(request)).get("app", ""))
        if name not in self._controller.declared():
            raise HTTPException(404, _unknown([name]))
        return name

    async def down(self, request: Request) -> Response:
        self._controller.down(await self._actors.of(request, "down"))
        return Answer({"formatVersion": FORMAT_VERSION}, status_code=202)

    def _status(self) -> dict[str, Any]:
        controller = self._controller
        now = boot_now()
        used = {
            nonce: Usage(found.rss, found.cpu)
            for nonce, found in controller.sampling.samples().items()
        }
        journal = controller.history.journal
        return status_document(controller.plan(), _about(), used, now, time.time(), journal=journal)

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


async def _body(request: Request) -> dict[str, Any]:
    text = await request.body()
    try:
        body = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise HTTPException(400, "the body of the request must be a JSON object")
    return body


def _names(body: dict[str, Any]) -> list[str]:
    """The apps that a request names."""
    names = body.get("apps", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise HTTPException(400, '"apps" must be a list of names')
    return names


def _unknown(names: list[str]) -> str:
    return f"no app named {', '.join(names)}; `recon status` lists them"


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Answer({"error": error.detail}, status_code=error.status_code)
