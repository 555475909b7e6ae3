"""The page of one app: everything known of it, secrets as marks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.ui.dashboard.views.one_app import Known, one_app
from reconciler.ui.dashboard.views.pieces import Pieces
from reconciler.ui.live.snapshot import Snapshot
from tests.ui.dashboard.standin import Standin, app_row, event_row
from tests.ui.dashboard.views.test_overview import HOSTILE

CHANGE = {
    "app": "web",
    "action": "update",
    "fields": [
        {
            "path": "env.LOG_LEVEL",
            "from": "info",
            "to": "debug",
            "effect": "replaces",
            "file": "/m/web.yaml",
            "line": 11,
        },
        {
            "path": "terminationGracePeriodSeconds",
            "from": 30.0,
            "to": None,
            "effect": "in-place",
            "file": None,
            "line": None,
        },
    ],
    "instances": {"start": 0, "replace": 2, "stop": 0},
    "notes": ["1 at a time"],
}


def pieces(
    app: dict[str, Any] | None = None,
    *,
    plan: Any = None,
    may_act: bool = True,
    past: Any = (),
    **described: Any,
) -> Pieces:
    app = app or app_row()
    document = Standin([app], described=described, past=[*past]).describe(app["name"])
    return one_app(Snapshot(1, {"apps": [app]}), Known(document, plan), may_act=may_act)


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_plan_is_a_diff_with_places() -> None:
    drift = [{"kind": "Outdated", "instance": "web-0", "detail": "env.LOG_LEVEL differs"}]
    shown = text(pieces(app_row(sync="OutOfSync", drift=drift), plan=CHANGE).html["plan"])
    assert "env.LOG_LEVEL replaces /m/web.yaml:11 runs - info declared + debug" in shown
    assert "terminationGracePeriodSeconds in place runs - 30 declared + (unset)" in shown
    assert "Outdated web-0 env.LOG_LEVEL differs" in shown and "2 to replace" in shown


def test_where_nothing_differs_there_is_no_plan() -> None:
    assert "<section" not in pieces().html["plan"]


def test_secrets_are_marks_and_the_rest_of_the_environment_is_shown() -> None:
    spec = {"command": ["x"], "env": {"MODE": "production", "KEY": {"secretFile": "/etc/key"}}}
    html = pieces(spec=spec, secrets=["KEY", "TOKEN"]).html["spec"]
    shown = text(html)
    assert "MODE production" in shown and "KEY *** masked" in shown and "TOKEN *** masked" in shown
    assert "/etc/key" not in html


def test_history_offers_an_undo_to_each_earlier_revision() -> None:
    at = "2026-11-30T22:43:36.726+00:00"
    revisions = [
        {"number": n, "hash": "x", "createdAt": at, "good": n == 1, "failed": None} for n in (1, 2)
    ]
    html = pieces(app_row(revision=2), revisions=revisions).html["history"]
    assert "undo?revision=1" in html and "undo?revision=2" not in html
    assert "undo" not in pieces(revisions=revisions, may_act=False).html["history"]


@pytest.mark.parametrize(
    ("app", "spec", "offered", "not_offered"),
    [
        (app_row(), {}, {"restart", "scale", "suspend"}, {"resume", "pause", "run-job"}),
        (app_row(health="Progressing"), {}, {"pause"}, {"unpause"}),
        (app_row(health="Suspended"), {"suspend": True}, {"resume"}, {"suspend"}),
        (app_row(kind="Job", runs=[], nextRun=None), {}, {"run-job"}, {"restart", "scale"}),
        (
            app_row(
                conditions=[
                    {
                        "type": "Progressing",
                        "status": "Unknown",
                        "reason": "DeploymentPaused",
                        "message": "",
                    }
                ]
            ),
            {},
            {"unpause"},
            {"pause"},
        ),
    ],
)
def test_the_actions_that_make_sense_are_offered(
    app: Any, spec: Any, offered: set[str], not_offered: set[str]
) -> None:
    html = pieces(app, spec={"command": ["x"], **spec}).html["head"]
    found = {*re.findall(r"/act/([a-z-]+)\"", html)}
    assert offered <= found and not found & not_offered
    assert "/act/" not in pieces(app, may_act=False).html["head"]


def test_causes_and_the_last_crash_are_told_with_output() -> None:
    crash = event_row(
        exit={
            "code": None,
            "signal": "SIGSEGV",
            "uptimeSeconds": 12.0,
            "stderr": ["<b>boom</b>"],
            "core": "/cores/1",
            "port": {"number": 80, "holder": "nginx"},
        }
    )
    shown = pieces(app_row(lastCrash=crash, causes=[], advice=[])).html["why"]
    assert "SIGSEGV after 12s" in text(shown) and "/cores/1" in shown and "nginx" in shown
    assert "&lt;b&gt;boom&lt;/b&gt;" in shown


def test_events_stand_the_newest_first() -> None:
    past = [event_row(id=f"{n}-1", message=f"m{n}") for n in range(3)]
    assert pieces(past=past).order["events"] == ("ev-2-1", "ev-1-1", "ev-0-1")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_others_stays_text(hostile: str) -> None:
    drift = [{"kind": hostile, "instance": hostile, "detail": hostile}]
    condition = dict.fromkeys(("type", "status", "reason", "message"), hostile)
    app = app_row(
        message=hostile, drift=drift, conditions=[condition], sync=hostile, health=hostile
    )
    app["instances"][0] |= {"status": hostile, "exit": hostile, "state": hostile}
    spec = {"command": [hostile], "cwd": hostile, "env": {hostile: hostile}, hostile: [hostile]}
    change = {**CHANGE, "notes": [hostile], "fields": [{**CHANGE["fields"][0], "from": hostile}]}  # type: ignore[index]
    past = [event_row(message=hostile, reason=hostile, app=hostile, type=hostile)]
    found = pieces(app, plan=change, past=past, spec=spec, secrets=[hostile], labels={"a": hostile})
    for html in found.html.values():
        html.encode()  # it can be sent
        assert "<script" not in html and "<img" not in html and "49" not in html
        assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html))
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)
        assert 'href="javascript' not in html
