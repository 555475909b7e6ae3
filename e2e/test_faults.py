"""SIGKILL of the controller at each of its effects, 500 times: the next one takes over.

``make faults CRASHES=10000`` does the same as often as wanted; docs/testing.md says what is shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from e2e.faults import report, world
from e2e.faults.world import Result

_CRASHES = 500
_GROUPS = 4
_SEED = int(os.environ.get("RECON_SEED", "1"))


@pytest.fixture(scope="module")
def results() -> Iterator[list[Result]]:
    """Of the groups that this process ran."""
    found: list[Result] = []
    yield found
    if len(found) == _GROUPS:  # else others ran the rest: `make faults` writes them all
        report.write(found)


@pytest.mark.parametrize("group", range(_GROUPS))
def test_a_controller_that_is_killed_at_one_of_its_effects_loses_nothing(
    group: int, results: list[Result]
) -> None:
    result = world.run(_SEED, (group, _GROUPS), _CRASHES // _GROUPS)
    print(report.line(result))
    results.append(result)
    assert result.crashes + result.outside == _CRASHES // _GROUPS
    assert result.cut == 0, "no line is lost of what ends while no controller runs"
    # That what is looked at happened at all.
    assert len(result.points.ends) > 20 and result.rests > 5
    assert min(result.starts, result.lines, result.requests) > 50, result
