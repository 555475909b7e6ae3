"""Real processes of a host, as the tests of ``observed`` have them; and a simulated host."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.simulated.clock import Clock, install
from tests.loop.simulated.world import World
from tests.observed.conftest import watched, zoo

__all__ = ["watched", "world", "zoo"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """No controller runs yet."""
    random.seed(0)  # of probes and retries, which are spread
    clock = Clock()
    install(clock, monkeypatch)
    made = World(tmp_path, clock)
    yield made
    made.close()
