"""Equal parts of specs are one object, and each spec says what its file says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.desired.manifest import sharing
from reconciler.desired.manifest.resolve import absolute
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.revision import document_of


def spec_of(**fields: Any) -> AppSpec:
    return absolute(AppSpec.model_validate({"command": ["x"], **fields}), "/srv")


def test_equal_parts_are_one_object() -> None:
    first, second = (spec_of(strategy={"maxSurge": 2}, stop={"signal": "INT"}) for _ in range(2))
    assert first.strategy is second.strategy
    assert first.stop is second.stop
    assert first.model_fields_set is second.model_fields_set


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"maxSurge": 1}, {"maxSurge": 2}),
        ({"maxSurge": 1}, {"maxSurge": 1, "maxUnavailable": 0}),
        ({}, {"type": "RollingUpdate"}),
    ],
)
def test_what_is_written_in_other_words_stays_so(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    one, other = spec_of(strategy=first), spec_of(strategy=second)
    assert document_of(one)["strategy"] == first
    assert document_of(other)["strategy"] == second


def test_what_is_inside_a_part_counts_by_its_words() -> None:
    probe = {"httpGet": {"port": 80}}
    longer = {"httpGet": {"port": 80, "path": "/"}}
    one, other = spec_of(readinessProbe=probe), spec_of(readinessProbe=longer)
    assert (document_of(one)["readinessProbe"], document_of(other)["readinessProbe"]) == (
        *(probe, longer),
    )


def test_equal_probes_are_one_object() -> None:
    probe = {"httpGet": {"port": 80, "httpHeaders": [{"name": "A", "value": "b"}]}}
    first, second = (spec_of(readinessProbe=probe) for _ in range(2))
    assert first.readiness_probe is second.readiness_probe
    longer = {"httpGet": {"port": 80, "httpHeaders": [{"name": "A", "value": "c"}]}}
    assert spec_of(readinessProbe=longer).readiness_probe is not first.readiness_probe


def test_a_copy_with_a_change_changes_no_other() -> None:
    first, second = spec_of(), spec_of()
    fields = copy.copy(second.model_fields_set)
    changed = first.model_copy(update={"instances": 3, "watched": {"a": "b"}})
    assert changed.model_fields_set == fields | {"instances", "watched"}
    assert second.model_fields_set == fields
    assert not second.watched


def test_only_so_many_kinds_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_MOST", 4)
    for number in range(10):
        assert spec_of(strategy={"maxSurge": number}).strategy.max_surge == number
    assert len(sharing._parts) <= 4
    assert len(sharing._fields) <= 4
