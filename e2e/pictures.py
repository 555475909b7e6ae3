"""``python -m e2e.pictures``: the pictures in `docs/pictures`, of the sample manifests as they run.

A copy of the samples runs on free ports, with a Job beside them; what the pictures show is what a
user gets. ``make pictures`` takes about a minute: charts need some samples.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from e2e import monit_picture
from e2e.crm.page import lacking
from e2e.dashboard.page import Looking, Served, looking, served
from e2e.harness import Recon
from tests.ports import ports
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "pictures"
_MOST = 150_000
"""Bytes of one picture: they are kept in the repository."""
_JOB = """
apiVersion: recon/v1
kind: Job
metadata: {name: backup, labels: {tier: back}}
spec:
  command: [sh, -c, "echo 3 files saved"]
  schedule: "30 3 * * *"
"""
_DESKTOP = {"width": 1120, "height": 700}
_PHONE = {"width": 360, "height": 700}


class Shot(NamedTuple):
    """One picture of the page."""

    name: str
    path: str
    settings: Mapping[str, Any]
    before: Callable[[Tab], object]
    """Brings the page into the state that is shown."""


def _apps(tab: Tab) -> None:
    tab.locator("#app-web").get_by_text("2/2").wait_for()


def _charts(tab: Tab) -> None:
    tab.locator("#charts svg").first.wait_for()
    tab.locator("#tail .ln").first.wait_for()


def _scaling(tab: Tab) -> None:
    tab.get_by_role("link", name="Scale…").click()
    tab.get_by_role("dialog").get_by_label("Instances").fill("3")
    tab.get_by_role("button", name="Show the edit").click()
    tab.get_by_role("dialog").locator(".ins").wait_for()


SHOTS = (
    Shot("dashboard-apps", "/", {"viewport": _DESKTOP, "color_scheme": "light"}, _apps),
    Shot("dashboard-app", "/apps/web", {"viewport": _DESKTOP, "color_scheme": "dark"}, _charts),
    Shot("dashboard-edit", "/apps/worker", {"viewport": _DESKTOP}, _scaling),
    Shot("dashboard-phone", "/", {"viewport": _PHONE, "color_scheme": "dark"}, _apps),
)


def main() -> int:
    """Make all pictures; the exit code."""
    if why := lacking():
        print(f"no pictures can be made here: {why}", file=sys.stderr)
        return 1
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="recon-pictures-") as folder, ports() as first:
        recon = Recon(Path(folder))
        try:
            _sample(recon, first)
            _dashboard(recon, Path(folder))
            monit_picture.draw(recon, OUT / "monit.svg")
        finally:
            recon.close()
    return 0


def _sample(recon: Recon, port: int) -> None:
    """The sample manifests, running, as they are after some edits and a crash."""
    for file in (ROOT / "manifests").rglob("*"):
        if file.suffix in (".py", ".yaml"):
            text = file.read_text().replace("8080", str(port)).replace("8081", str(port + 1))
            recon.write(str(file.relative_to(ROOT / "manifests")), text)
    recon.write("backup.yaml", _JOB)
    recon.run()
    recon.healthy("web")
    recon.cli("run-job", "backup")
    web = recon.manifests / "web.yaml"
    web.write_text(web.read_text().replace("GREETING: Hello", "GREETING: Good evening"))
    recon.healthy("web", revision=2, updated=2)
    until(lambda: recon.of("flaky")["restarts"] > 0, what="the flaky one has crashed")


def _dashboard(recon: Recon, folder: Path) -> None:
    with served(recon, folder) as page, looking() as eyes:
        until(lambda: _is_sampled(recon), seconds=120, what="there is something to draw")
        link = page.link
        for shot in SHOTS:
            _take(eyes, page, shot, link)
            link = ""
    for shot in SHOTS:
        size = (OUT / f"{shot.name}.png").stat().st_size
        assert size < _MOST, f"{shot.name} has {size} bytes"
        print(f"docs/pictures/{shot.name}.png: {size // 1000} kB")


def _is_sampled(recon: Recon) -> bool:
    usage = recon.describe("web")["usage"]
    return len(usage) == 2 and all(len(one["recent"]["time"]) >= 4 for one in usage)


def _take(eyes: Looking, page: Served, shot: Shot, link: str) -> None:
    tab = eyes.tab(page, shot.path, use=link, **shot.settings)
    shot.before(tab)
    tab.screenshot(path=OUT / f"{shot.name}.png", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
