"""Reasons of events: typed, documented, and never another word for what journals hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.model.state.memory import Failure
from reconciler.model.state.observed import LEFT_BEHIND
from reconciler.model.state.reason import EventReason

ROOT = Path(__file__).parents[3]
_FIRST = {
    *("Started", "Killing", "Stopped", "Exited", "OOMKilled", "BackOff", "Unhealthy"),
    *("FailedCreate", "RolloutComplete", "ProgressDeadlineExceeded", "RestartRequested"),
    *("DeploymentPaused", "DeploymentResumed", "ManifestInvalid", "ControllerStarted", "Pruned"),
}
"""Some of those that release 0.1.0 wrote."""


def test_every_reason_is_documented_once() -> None:
    text = (ROOT / "docs/events.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(EventReason)


def test_a_word_that_journals_hold_stays() -> None:
    assert {*EventReason} >= _FIRST


def test_what_else_becomes_a_reason_is_one() -> None:
    words = {*EventReason}
    assert {LEFT_BEHIND, *Failure} <= words


def _events() -> Iterator[tuple[Path, ast.Call]]:
    for path in (ROOT / "reconciler").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id == "Event" and len(node.args) > 1:
                yield path, node


def test_no_event_is_made_with_a_reason_of_its_own() -> None:
    made = [*_events()]
    assert len(made) > 30
    own = [f"{path}:{node.lineno}" for path, node in made if isinstance(node.args[1], ast.Constant)]
    assert own == []
