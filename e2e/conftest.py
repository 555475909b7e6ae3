from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.crm import page, project
from e2e.crm.project import Crm
from e2e.harness import Recon
from reconciler.api.callbacks import SWITCH
from tests.ports import ports


@pytest.fixture
def recon(tmp_path: Path) -> Iterator[Recon]:
    """A recon with an empty manifests directory; nothing of it outlives the test."""
    whole = Recon(tmp_path)
    try:
        yield whole
    finally:
        whole.close()


@pytest.fixture(scope="session", autouse=True)
def _callbacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every controller notes which of its callbacks take long."""
    with pytest.MonkeyPatch.context() as patch:
        _NOTES.append(tmp_path_factory.mktemp("callbacks") / "long")
        patch.setenv(SWITCH, str(_NOTES[0]))
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What held up the apps of some controller for more than 50 ms of its loop's time."""
    if not _NOTES or not _NOTES[0].exists():
        return
    lines = _NOTES[0].read_text().splitlines()
    running = [line for line in lines if line.startswith("running")]
    loading = len(lines) - len(running)
    terminalreporter.section("callbacks over 50 ms of the loop's own processor time")
    terminalreporter.line(f"{loading} while a controller loaded, {len(running)} after that")
    for line in running[:20]:
        terminalreporter.line(line)


_NOTES: list[Path] = []
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
