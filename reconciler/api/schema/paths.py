"""Every path of the API: what it takes, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from reconciler.api.schema import actions, describe, event, host, plan, status
from reconciler.logs.read import request
from reconciler.state import resume

_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "string", "enum": ["0", "1"]}
_TIME: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "number", "minimum": 0, "maximum": 100_000_000_000},
    ]
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value beside the body."""

    name: str
    description: str
    schema: dict[str, Any] = field(default_factory=lambda: _TEXT)
    place: Literal["query", "path", "header"] = "query"
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One path with one method."""

    path: str
    method: Literal["get", "post"]
    summary: str
    answer: type[BaseModel]
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    lines: bool = False
    """The answer is one document a line, or server-sent events."""
    refusals: tuple[int, ...] = ()
    """Statuses beside 400, 403 and 429."""
    status: int = 200


_APP = Parameter("app", "The name of an app or a Job.", place="path")
_APPS = Parameter("app", "Only these apps; may be repeated.", is_list=True)
_EVENT: dict[str, Any] = {**_TEXT, "pattern": resume.PATTERN}
_POSITION: dict[str, Any] = {**_TEXT, "pattern": request.PATTERN}
_LIMIT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 999_999_999}

READS = (
    Operation("/v1/version", "get", "The controller, and what it serves", host.Version),
    Operation("/v1/openapi.json", "get", "This document", host.OpenApi, refusals=(503,)),
    Operation("/v1/host", "get", "What the host lets the controller do", host.Host),
    Operation("/v1/journal", "get", "How the controller's memory is", host.Journal),
    Operation("/v1/output", "get", "How output outlives the controller", host.KeptOutput),
    Operation(
        "/v1/status",
        "get",
        "How all apps are",
        status.Status,
        (Parameter("explain", "Add why these apps are not well; at most 50.", is_list=True),),
    ),
    Operation(
        "/v1/describe/{app}",
        "get",
        "One app in full",
        describe.Description,
        (_APP,),
        refusals=(404,),
    ),
    Operation("/v1/plan", "get", "What would change", plan.Plan, (_APPS,)),
    Operation("/v1/usage", "get", "What the instances use", describe.UsageList, (_APPS,)),
    Operation(
        "/v1/events",
        "get",
        "The timeline, or a stream of it",
        event.EventDocument,
        (
            _APPS,
            Parameter("reason", "Only these reasons; may be repeated.", is_list=True),
            Parameter("type", "Only these.", {"type": "string", "enum": ["Normal", "Warning"]}),
            Parameter("since", "Only since then.", _TIME),
            Parameter("audit", "1: only changes that people asked for.", _FLAG),
            Parameter("limit", "How many past events; 100 where it is not given.", _LIMIT),
            Parameter("after", "The id of the last event read.", _EVENT),
            Parameter("follow", "1: go on with events to come.", _FLAG),
            Parameter(
                "Last-Event-ID", "In a stream: the id of the last event read.", _EVENT, "header"
            ),
        ),
        lines=True,
    ),
    Operation(
        "/v1/logs/{app}",
        "get",
        "What an app wrote, or a stream of it",
        event.LogLine,
        (
            _APP,
            Parameter(
                "instance",
                "The number or the name of an instance.",
                {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            ),
            Parameter("stream", "Only this one.", {"type": "string", "enum": ["stdout", "stderr"]}),
            Parameter(
                "lines",
                "How many past lines; 100 where it is not given.",
                {"type": "integer", "minimum": 0, "maximum": 5000},
            ),
            Parameter("since", "Only since then.", _TIME),
            Parameter("until", "Only until then.", _TIME),
            Parameter(
                "search",
                "Only lines that hold this, in whatever case.",
                {**_TEXT, "maxLength": 1000},
            ),
            Parameter("before", "The `position` of a line: those before it.", _POSITION),
            Parameter("after", "The `position` of a line: those after it.", _POSITION),
            Parameter("follow", "1: go on with lines to come.", _FLAG),
            Parameter("Last-Event-ID", "In a stream: as `after`.", _POSITION, "header"),
        ),
        lines=True,
        refusals=(404, 503),
    ),
    Operation(
        "/v1/runs/{app}", "get", "The runs of a Job", describe.Runs, (_APP,), refusals=(404, 409)
    ),
    Operation("/v1/notifications", "get", "How notifications go", host.Notifications),
)


def _action(
    name: str, summary: str, body: type[actions.Body] = actions.ActionBody, *, edits: bool = False
) -> Operation:
    refusals = (404, 409, 503, 507) if edits else (404, 409)
    return Operation(
        f"/v1/apps/{{app}}/{name}",
        "post",
        summary,
        actions.ActionAnswer,
        (_APP,),
        body,
        refusals=refusals,
    )


ACTIONS = (
    _action("restart", "Replace the processes of an app"),
    _action("scale", "Set how many instances an app has", actions.ScaleBody, edits=True),
    _action("suspend", "Stop an app or a Job until it is resumed", edits=True),
    _action("resume", "Start a suspended app again", edits=True),
    _action("undo", "Go back to an earlier revision", actions.UndoBody, edits=True),
    _action("pause", "Hold the rollout of an app"),
    _action("unpause", "Have a rollout go on that is held"),
    _action("run-job", "Run a Job now"),
    _action("confirm-load", "Confirm the instances of one app that wait"),
    Operation(
        "/v1/confirm-load",
        "post",
        "Confirm all instances that wait",
        actions.ActionAnswer,
        body=actions.ActionBody,
    ),
    Operation(
        "/v1/confirm-prune",
        "post",
        "Confirm all removals that wait",
        actions.ActionAnswer,
        body=actions.ActionBody,
    ),
    Operation(
        "/v1/apply", "post", "Have the manifests read again", host.Applied, body=actions.Body
    ),
    Operation(
        "/v1/down", "post", "Stop everything, and leave", host.Down, body=actions.Body, status=202
    ),
    Operation(
        "/v1/notifications/test",
        "post",
        "Send a test message",
        host.TestAnswer,
        body=host.TestBody,
        refusals=(404,),
    ),
)
