from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.crm import page, project
from e2e.crm.project import Crm
from e2e.harness import Recon
from tests.ports import ports


@pytest.fixture
def recon(tmp_path: Path) -> Iterator[Recon]:
    """A recon with an empty manifests directory; nothing of it outlives the test."""
    whole = Recon(tmp_path)
    try:
        yield whole
    finally:
        whole.close()


_TOGETHER = ("test_crm", "test_startup", "test_export")
"""Files whose tests share something large: one worker's, with `pytest -n 2 --dist loadgroup`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in _TOGETHER:
            if item.path.name.startswith(name):
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture
def unused_port() -> Iterator[int]:
    """The first of ten ports in a row."""
    with ports() as first:
        yield first


@pytest.fixture(scope="session")
def crm_installed() -> Iterator[Path]:
    """The CRM's sources, installed and built by npm. Skips where that cannot be."""
    if why := project.lacking():
        pytest.skip(f"SKIPPED: the CRM cannot be installed: {why}")
    with ExitStack() as stack:
        try:
            built = stack.enter_context(project.installed())
        except project.NotInstalled as error:
            pytest.skip(f"SKIPPED: the CRM cannot be installed: {error}")
        yield built


@pytest.fixture
def crm(crm_installed: Path, tmp_path: Path, unused_port: int) -> Crm:
    """A copy of the CRM, installed and built, with ports and a key of its own."""
    ports = [unused_port + number for number in range(len(project.PORTS))]
    return project.copy(crm_installed, tmp_path / "crm", ports)


@pytest.fixture
def browser() -> None:
    """Skips where there is none."""
    if why := page.lacking():
        pytest.skip(f"SKIPPED: nobody looks at the page: {why}")
