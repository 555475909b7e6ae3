"""A played server for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.targets.nomad.address import settings
from reconciler.targets.nomad.client import Client
from tests.targets.nomad.played import Played, served


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def address(played: Played) -> Iterator[str]:
    with served(played) as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    made = Client(settings(address, {}))
    yield made
    made.close()
