"""An app that only a broken file declares: a row and its problems, whatever verb asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.doctor import running
from tests.cli.conftest import Cli
from tests.cli.documents import app, status


@pytest.fixture
def broken(cli: Cli) -> Cli:
    """Two wrong files: `web` has an unknown field, `torn` is no YAML."""
    path = cli.app("web")
    path.write_text(path.read_text().replace("command", "comand"))
    torn = "apiVersion: recon/v1\nkind: App\nmetadata:\n  name: torn\nspec:\n  command: [a, b\n"
    (cli.manifests / "torn.yaml").write_text(torn)
    return cli


def test_status_has_a_row_and_the_problems_of_that_file_only(broken: Cli) -> None:
    done = broken("status", "web")
    assert done.code == 0 and "web  Unknown  Missing" in done.out
    assert "web.yaml:5:3: spec.comand: unknown field, did you mean command?" in done.out
    assert "torn.yaml" not in done.out and "1 problem in other manifests" in done.out
    assert "torn.yaml:" in broken("status", "torn").out


def test_json_names_the_apps_of_each_problem(broken: Cli) -> None:
    document = json.loads(broken("status", "torn", "-o", "json").out)
    (row,), (error,) = document["apps"], document["errors"]
    assert (row["name"], row["sync"], row["health"]) == ("torn", "Unknown", "Missing")
    assert error["apps"] == ["torn"] and error["line"]


def test_describe_logs_and_doctor_know_the_name(broken: Cli) -> None:
    assert "spec.comand: unknown field" in broken("describe", "web").out
    done = broken("logs", "web")
    assert done.code == 1 and "its manifest is invalid" in done.err and "web.yaml:5:3" in done.err
    done = broken("doctor", "torn")
    assert done.code == 1 and "torn.yaml:" in done.out


def test_a_name_that_no_file_has_is_unknown_as_ever(broken: Cli) -> None:
    assert "no app named wev" in broken("status", "wev").err


def _found(monkeypatch: pytest.MonkeyPatch, one: dict[str, Any]) -> list[tuple[str, str, str]]:
    monkeypatch.setattr("reconciler.cli.framework.controller.status", lambda *_: status(one))
    place: Where = None  # type: ignore[assignment]  # nothing is asked for
    found = running.of_running(place, set())
    return [(name, finding.level.value, finding.message) for name, finding in found]


def test_doctor_looks_at_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = {"message": "port 3000 is held by pid 7", "remedy": "stop that"}
    looping = app("web", health="Degraded", ready=0, causes=[cause])
    ((name, level, message),) = _found(monkeypatch, looping)
    assert (name, level) == ("web", "problem") and "held by pid 7" in message
    paused = {
        "type": "Progressing",
        "status": "Unknown",
        "reason": "DeploymentPaused",
        "message": "",
    }
    held = app("web", sync="OutOfSync", conditions=[paused], message="paused")
    assert [row[1] for row in _found(monkeypatch, held)] == ["warning"]
    assert [row[1] for row in _found(monkeypatch, app("web"))] == ["ok"]
