"""Who is told of what: problems by default, else by reason, severity, name and label."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.notices.problems import DEFAULTS, FAMILIES
from reconciler.diff.notices.selection import Selection
from reconciler.model.spec.notify import NotifyTarget
from reconciler.model.state.event import Event
from reconciler.model.state.reason import OF_NOTIFICATIONS, EventReason


def selection(**target: Any) -> Selection:
    return Selection.of(NotifyTarget.model_validate({"command": "x", **target}))


@pytest.mark.parametrize(
    ("target", "reason", "type", "wanted"),
    [
        ({}, "BackOff", "Warning", True),
        ({}, "Exited", "Warning", False),
        ({}, "RolloutComplete", "Normal", False),
        ({"severity": "Warning"}, "Exited", "Warning", True),
        ({"severity": "Warning"}, "Started", "Normal", False),
        ({"severity": "Normal"}, "Started", "Normal", True),
        ({"reasons": ["Started"]}, "Started", "Normal", True),
        ({"reasons": ["Started"]}, "BackOff", "Warning", False),
        ({"reasons": ["Started"], "severity": "Warning"}, "Started", "Normal", False),
        ({"reasons": ["Exited"], "severity": "Warning"}, "Exited", "Warning", True),
        ({"severity": "Normal"}, "NotificationFailed", "Warning", False),
    ],
)
def test_by_reason_and_severity(
    target: dict[str, Any], reason: str, type: Any, wanted: bool
) -> None:
    assert selection(**target).wants(Event("web", reason, "x", type)) is wanted


@pytest.mark.parametrize(
    ("apps", "app", "concerned"),
    [
        ([], "", True),
        ([], "web", True),
        (["web"], "", False),
        (["web"], "web", True),
        (["api-*", "tier=front"], "web", True),
        (["api-*"], "web", False),
    ],
)
def test_by_app_and_label(apps: list[str], app: str, concerned: bool) -> None:
    assert selection(apps=apps).concerns(app, {"tier": "front"}) is concerned


def test_every_word_of_the_table_is_a_reason_of_an_event() -> None:
    known = {reason.value for reason in EventReason}
    for family in FAMILIES.values():
        assert family.begins | family.continues | family.ends <= known
        assert family.ends or family.is_over_when_gone, "each problem can be over"
    assert not DEFAULTS & OF_NOTIFICATIONS
    begins = [reason for family in FAMILIES.values() for reason in family.begins]
    assert len(begins) == len({*begins}), "an event begins one problem"
