"""The words of other tools lead to fields that recon has, and never shadow one."""

from __future__ import annotations

import re

import pytest

from reconciler.model.spec.manifest import AppSpec
from reconciler.model.words.habits import _REMEDIES, remedy


def fields() -> set[str]:
    return {field.alias or name for name, field in AppSpec.model_fields.items()}


def test_no_habit_is_a_field_of_a_manifest() -> None:
    assert not _REMEDIES.keys() & fields()


def test_every_remedy_names_fields_that_there_are() -> None:
    named = {
        word
        for sentence in _REMEDIES.values()
        for word in re.findall(r"`([A-Za-z]+)", sentence)
        if word not in ("metadata", "schedule")
    }
    assert named <= fields()


@pytest.mark.parametrize(
    ("habit", "name"),
    [
        ("cmd", "`command`"),
        ("environment", "`env`"),
        ("replicas", "`instances`"),
        ("ports", "`sockets`"),
        ("healthcheck", "readinessProbe"),
        ("working_dir", "`cwd`"),
        ("max_memory_restart", "`limits.memory`"),
        ("args", "`command`"),
    ],
)
def test_a_habit_leads_to_the_field(habit: str, name: str) -> None:
    assert name in remedy(habit)
    assert remedy("limits") == remedy("nonsense") == ""
