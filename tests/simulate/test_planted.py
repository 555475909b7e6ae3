from __future__ import annotations

import pytest

from tests.simulate.planted import PLANTED, changed
from tests.simulate.planted_run import find

QUICK = ("lost-wake-up", "floor", "backoff-flat")
"""Found within a few seeds."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_can_still_be_planted(name: str) -> None:
    for file, (old, new) in PLANTED[name].changes.items():
        compile(changed(file, old, new), file, "exec")


def test_there_are_twenty_and_more() -> None:
    assert len(PLANTED) >= 20


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_fault_is_found(name: str) -> None:
    found = find(name, 60)
    assert found.seed is not None, found.detail
