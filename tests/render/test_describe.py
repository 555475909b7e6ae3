"""A description shows what there is, and calls it by its name."""

from __future__ import annotations

from typing import Any

from reconciler.render.describe import description
from tests.cli.documents import app


def described(**values: Any) -> list[str]:
    revision = {"number": 1, "createdAt": "2026-11-24T04:00:00.000+00:00", "hash": "abc"}
    document = {
        "app": app("web", **values),
        "spec": {"command": ["x"], "env": {"EMPTY": ""}, "built": ""},
        "source": None,
        "labels": {},
        "revisions": [{**revision, "good": False, "failed": None}],
        "events": [],
    }
    return description(document)


def test_what_recon_fills_in_is_not_shown_empty_and_a_variable_is() -> None:
    lines = described()
    assert "    EMPTY: " in lines
    assert not any("built" in line for line in lines)
    assert "Instances:" in lines and any("not rolled out yet" in line for line in lines)


def test_a_job_has_runs_and_its_revisions_are_not_rolled_out() -> None:
    run = {"number": 1, "outcome": "Succeeded", "why": "requested", "scheduledFor": None}
    times = {"startedAt": None, "durationSeconds": 1, "failures": 0, "exit": "exit 0"}
    lines = described(kind="Job", instances=[], runs=[{**run, **times, "reason": ""}])
    assert "Runs:" in lines and "Instances:" not in lines
    assert not any("rolled out" in line for line in lines)
