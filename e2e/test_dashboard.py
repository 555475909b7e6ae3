"""`recon dashboard` in a real browser, before a real controller."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.dashboard.page import Looking, Served, looking, served
from e2e.harness import Recon
from e2e.programs import SLEEP

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture
def eyes() -> Iterator[Looking]:
    with looking() as found:
        yield found
        assert found.faults == []


@pytest.fixture
def up(recon: Recon, tmp_path: Path) -> Iterator[Served]:
    recon.app("web", SLEEP, instances=2)
    recon.run()
    recon.healthy("web")
    with served(recon, tmp_path) as page:
        yield page


def test_an_edit_is_seen_and_the_page_survives_its_controller(
    recon: Recon, up: Served, eyes: Looking
) -> None:
    page = eyes.tab(up, use=up.link)
    row = page.locator("#app-web")
    row.get_by_text("2/2").wait_for()
    recon.app("web", SLEEP, instances=3)
    row.get_by_text("3/3").wait_for()
    recon.app("api", SLEEP)
    page.locator("#app-api").get_by_text("Healthy").wait_for()
    recon.kill_controller()
    page.get_by_text("No news from the controller").wait_for()
    assert row.is_visible()
    recon.run()
    page.locator("#blind").wait_for(state="hidden")
    row.get_by_text("3/3").wait_for()
    assert up.stop() == 0
    page.get_by_text("This page has lost its server").wait_for()
