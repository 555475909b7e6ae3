from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from e2e.crm import page, project
from e2e.crm.project import Crm
from e2e.harness import Recon
from reconciler.api.daemon.callbacks import SWITCH
from tests.ports import ports
from tests.waiting import SLOWNESS


@pytest.fixture
def recon(tmp_path: Path) -> Iterator[Recon]:
    """A recon with an empty manifests directory; nothing of it outlives the test."""
    whole = Recon(tmp_path)
    try:
        yield whole
    finally:
        whole.close()


def pytest_configure(config: pytest.Config) -> None:
    """Every controller notes which of its callbacks take long: in one file, whatever started it.

    With xdist the process that hands out the tests makes the file, and its workers inherit the
    name: they are started after this."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="recon-callbacks-")
        config.add_cleanup(folder.cleanup)
        config.stash[_NOTES] = Path(folder.name, "long")
        patch = pytest.MonkeyPatch()
        patch.setenv(SWITCH, str(config.stash[_NOTES]))
        config.add_cleanup(patch.undo)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What held up the apps of some controller for more than 50 ms of its loop's time."""
    notes = config.stash[_NOTES]
    if not notes.exists():
        return
    lines = notes.read_text().splitlines()
    running = [line for line in lines if line.startswith("running")]
    loading = len(lines) - len(running)
    terminalreporter.section("callbacks over 50 ms of the loop's own processor time")
    terminalreporter.line(f"{loading} while a controller loaded, {len(running)} after that")
    for line in running[:20]:
        terminalreporter.line(line)


_NOTES = pytest.StashKey[Path]()
_HERE = Path(__file__).parent
_SECONDS = 300
"""For one test, unless it says another number itself."""
_INSTALLING = 900
"""For one that npm may have to fetch and build everything for."""
_TOGETHER = (
    "test_crm",
    "test_dashboard",
    "test_startup",
    "test_export",
    "test_wheel",
    "test_pythons",
    "test_deb",
    "test_container",
    "test_kube_play",
)
"""Files whose tests share something large: one worker's, with `pytest --dist loadgroup`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(_HERE):
            continue
        if item.get_closest_marker("timeout") is None:
            installs = "crm_installed" in getattr(item, "fixturenames", ())
            seconds = _INSTALLING if installs else _SECONDS
            item.add_marker(pytest.mark.timeout(seconds * SLOWNESS))
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
