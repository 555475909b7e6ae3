"""Limits as people write them: one canonical value each, and a sentence where it is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.model.spec.limits import Limits, format_cpus, parse_cpus, shown, wanted


@pytest.mark.parametrize(
    ("field", "written", "value"),
    [
        ("memoryHard", "400Mi", 400 * 2**20),
        ("memoryHard", "400M", 400 * 2**20),
        ("memoryHard", 2_000_000, 1_998_848),
        ("cpu", "1.5", "1.5"),
        ("cpu", 1.5, "1.5"),
        ("cpu", 2, "2"),
        ("cpu", "500m", "0.5"),
        ("cpu", "1.50", "1.5"),
        ("processes", 64, 64),
        ("openFiles", 4096, 4096),
        ("coreSize", 0, 0),
        ("coreSize", "unlimited", "unlimited"),
        ("nice", -20, -20),
        ("oomScoreAdjust", -1000, -1000),
        ("ioPriority", "idle", "idle"),
        ("ioPriority", "best-effort", "best-effort:4"),
        ("ioPriority", "realtime:0", "realtime:0"),
        ("cpuAffinity", "0-3,5", "0-3,5"),
        ("cpuAffinity", "3,1,2", "1-3"),
        ("cpuAffinity", [0, 2], "0,2"),
        ("cpuAffinity", 1, "1"),
    ],
)
def test_each_way_to_write_a_value_is_one_value(field: str, written: Any, value: Any) -> None:
    assert wanted(Limits.model_validate({field: written})) == {field: value}


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("memoryHard", "4Ki", "too little for any program"),
        ("memoryHard", "lots", "is not a size"),
        ("cpu", "0", "at least 0.01"),
        ("cpu", "much", "not a valid CPU quantity; write e.g. 0.5, 2 or 500m"),
        ("cpu", True, "not a valid CPU quantity"),
        ("processes", 0, "greater than or equal to 1"),
        ("openFiles", 3, "greater than or equal to 8"),
        ("nice", 20, "less than or equal to 19"),
        ("oomScoreAdjust", -1001, "greater than or equal to -1000"),
        ("ioPriority", "first", "is not a valid I/O priority; write idle"),
        ("ioPriority", "best-effort:8", "is not a valid I/O priority"),
        ("cpuAffinity", "3-1", "not a valid CPU list; write e.g. 0-3,5"),
        ("cpuAffinity", "", "not a valid CPU list"),
        ("cpuAffinity", "0-99999", "not a valid CPU list"),
    ],
)
def test_what_is_no_limit_is_told_in_a_sentence(field: str, written: Any, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Limits.model_validate({field: written})
    assert told in str(caught.value)


def test_nothing_declared_is_nothing_wanted() -> None:
    assert wanted(Limits()) == {}
    assert wanted(Limits(nice=None)) == {}


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_a_list_of_processors_reads_back(cpus: frozenset[int]) -> None:
    assert parse_cpus(format_cpus(cpus)) == cpus


def test_values_are_shown_as_people_read_them() -> None:
    assert shown("memoryHard", 400 * 2**20) == "400Mi"
    assert shown("cpu", "max") == "no limit"
    assert shown("nice", 5) == "5"
