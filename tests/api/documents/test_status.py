"""The JSON documents: names that people's scripts read. A changed key here breaks them."""

from __future__ import annotations

import json
from typing import Any

from reconciler.api.documents.status import (
    Place,
    Usage,
    change_document,
    has_changes,
    status_document,
)
from reconciler.model.state.desired import Desired, Problem
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import Plan
from tests.diff.simhost import SimHost, app_of


def _look(host: SimHost, command: str) -> Plan:
    problem = Problem("/m/x.yaml", 1, 2, "spec.y", "told")
    return host.look(Desired({"web": app_of(command=command)}, (problem,)))


def _status(host: SimHost, usage: dict[str, Usage] | None = None) -> dict[str, Any]:
    plan = _look(host, "a")
    return status_document(plan, {"running": False}, usage or {}, host.now, 1_700_000_000.0)


def test_the_keys_of_status() -> None:
    host = SimHost()
    host.settle(app_of(command="a"))
    (process,) = host.processes()
    document = _status(host, {process.tag.nonce: Usage(1024, 1.5)})
    assert list(document) == [
        *("formatVersion", "controller", "journal", "apps", "errors", "notifications")
    ]
    assert document["formatVersion"] == 1
    (app,) = document["apps"]
    assert set(app) == {
        "name",
        "kind",
        "sync",
        "health",
        "desired",
        "ready",
        "updated",
        "available",
        "revision",
        "restarts",
        "message",
        "conditions",
        "dependsOn",
        "drift",
        "instances",
        "labels",
        "load",
    }
    assert {tuple(condition) for condition in app["conditions"]} == {
        ("type", "status", "reason", "message")
    }
    (row,) = app["instances"]
    uptime = round(host.now - process.started_at, 1)
    assert row | {"startTime": ""} == {
        "name": "web-0",
        "pid": process.id.pid,
        "startTime": "",
        "state": "running",
        "ready": True,
        "revision": 1,
        "restarts": 0,
        "uptimeSeconds": uptime,
        "rssBytes": 1024,
        "cpuPercent": 1.5,
        "exit": None,
        "lastExit": None,
        "status": None,
    }
    assert row["startTime"].startswith("2023-11-14T22:13:1")
    assert row["startTime"].endswith("+00:00")
    json.dumps(document)


def test_the_keys_of_drift_and_of_an_instance_that_does_not_run() -> None:
    host = SimHost()
    host.settle(app_of(command="a"))
    host.kill(host.processes()[0], Exit(3))
    (app,) = _status(host)["apps"]
    assert app["drift"] == [
        {"kind": "Missing", "instance": "web-0", "detail": "declared, but not running"}
    ]
    last = app["instances"][0]["lastExit"]
    ended = {"code": 3, "signal": None, "reason": None, "fault": None}
    assert last == {**ended, "uptimeSeconds": last["uptimeSeconds"], "endedAt": last["endedAt"]}
    assert last["uptimeSeconds"] > 0 and last["endedAt"].endswith("+00:00")
    assert app["instances"][0] | {"restarts": 0} == {
        "name": "web-0",
        "pid": None,
        "startTime": None,
        "state": "missing",
        "ready": False,
        "revision": 0,
        "restarts": 0,
        "uptimeSeconds": None,
        "rssBytes": None,
        "cpuPercent": None,
        "exit": "exit 3",
        "lastExit": last,
        "status": None,
    }


def test_the_keys_of_a_change() -> None:
    host = SimHost()
    host.settle(app_of(command="a"))
    document = change_document(_look(host, "b"), {("web", "command"): Place("/m/web.yaml", 7)})
    assert document == {
        "formatVersion": 1,
        "changes": [
            {
                "app": "web",
                "kind": "App",
                "action": "update",
                "revision": {"from": 1, "to": 2},
                "fields": [
                    {
                        "path": "command",
                        "from": ["a"],
                        "to": ["b"],
                        "effect": "replaces",
                        "file": "/m/web.yaml",
                        "line": 7,
                    }
                ],
                "instances": {"start": 0, "replace": 1, "stop": 0},
                "notes": ["1 instance replaced, 1 at a time, never below 1 ready"],
                "held": False,
                "load": None,
            }
        ],
        "summary": {"start": 0, "replace": 1, "stop": 0, "unchanged": 0},
        "errors": [
            {
                "file": "/m/x.yaml",
                "line": 1,
                "column": 2,
                "path": "spec.y",
                "message": "told",
                "apps": [],
                "reason": "Invalid",
                "remedy": "",
            }
        ],
    }
    assert has_changes(document)


def test_no_change_is_said_in_the_document_as_by_the_exit_code() -> None:
    host = SimHost()
    host.settle(app_of(command="a"))
    document = change_document(_look(host, "a"), {})
    assert not has_changes(document)
    assert document["summary"] == {"start": 0, "replace": 0, "stop": 0, "unchanged": 1}


def test_the_status_has_what_an_app_depends_on() -> None:
    spec: dict[str, Any] = {"dependsOn": ["db", {"app": "migrate", "condition": "Completed"}]}
    plan = SimHost().look(Desired({"web": app_of(**spec)}))
    (app,) = status_document(plan, {"running": False}, {}, 0.0, 1_700_000_000.0)["apps"]
    needs = [{"app": "db", "condition": "Ready"}, {"app": "migrate", "condition": "Completed"}]
    assert app["dependsOn"] == needs
