"""The system that recon replaces first, imported from its PM2 files, looked at in a browser."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from e2e.crm.migration import edit, import_production, roll_out, share
from e2e.crm.page import opened
from e2e.crm.project import Crm
from e2e.harness import Recon
from tests.load import Load
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture
def up(recon: Recon, crm: Crm) -> Recon:
    """The two production apps, on shared sockets, up by `recon apply`."""
    import_production(recon, crm)
    share(recon, crm, "backend-prod", 3000, "/health")
    share(recon, crm, "frontend-prod", 8080, "/")
    recon.cli("apply")
    return recon


def release(recon: Recon, name: str) -> None:
    """Another environment for the API: an edit that replaces its process."""
    edit(
        recon,
        "backend-prod",
        "    NODE_ENV: production\n",
        f"    NODE_ENV: production\n    RELEASE: {name}\n",
    )
    recon.cli("apply")


def test_an_imported_system_comes_up_with_its_key_and_shows_its_data(
    recon: Recon, crm: Crm, tmp_path: Path
) -> None:
    import_production(recon, crm)
    assert crm.key not in "".join(file.read_text() for file in recon.manifests.glob("*.yaml"))
    recon.cli("validate")
    told = recon.cli("apply")
    assert "All 2 apps ready" in told
    state = crm.state(8080)
    assert state["mode"] == "production"
    assert state["key"] == hashlib.sha256(crm.key.encode()).hexdigest()
    with opened(crm.url(8080)) as page:
        assert page.customers() == ["Ada Lovelace\tLondon", "Grace Hopper\tNew York"]
        page.add("Mary Jackson", "Hampton")
        page.looks_on()
        page.picture(tmp_path / "page.png")
        page.assert_never_failed()


def test_a_rollout_of_the_api_is_not_seen_on_the_page(up: Recon, crm: Crm, tmp_path: Path) -> None:
    direct = Load(port=crm.port[3000], url="/api/customers", clients=2, pause=0.01)
    through = Load(port=crm.port[8080], url="/api/state", clients=2, keep_alive=False, pause=0.01)
    with opened(crm.url(8080)) as page, direct, through:
        page.shows("#version", "1.0.0")
        before = crm.state()["pid"]
        release(up, "second")  # an edit of the manifest
        page.shows("#release", "second")
        page.picture(tmp_path / "second.png")
        crm.version("1.1.0")
        crm.build("backend")  # another `dist`
        up.cli("restart", "backend-prod")
        page.shows("#version", "1.1.0")
        page.looks_on()
        page.picture(tmp_path / "third.png")
        page.assert_never_failed()
        assert crm.state()["pid"] != before
        direct.until_answered()
        through.until_answered()
    assert direct.failures == through.failures == []


def test_a_crash_of_the_api_is_over_before_somebody_reloads(
    up: Recon, crm: Crm, tmp_path: Path
) -> None:
    with opened(crm.url(8080)) as page:
        page.add("Mary Jackson", "Hampton")
        crashed = crm.switch("crash")["pid"]
        until(lambda: up.of("backend-prod")["restarts"] == 1, what="it is started again")
        page.looks_on()
        assert crm.state()["pid"] != crashed
        assert page.customers()[-1] == "Mary Jackson\tHampton"
        page.picture(tmp_path / "crash.png")
    assert "the crash switch" in up.cli("logs", "backend-prod", "--stderr", "--lines", "100")


@pytest.mark.parametrize(("part", "port"), [("", 8080), ("frontend", 4173)], ids=["npm", "Vite"])
def test_a_rollout_of_the_page_itself_is_not_seen_either(
    recon: Recon, crm: Crm, tmp_path: Path, part: str, port: int
) -> None:
    """By `npm run start:prod`, and of its own PM2 file, an ES module, without npm between."""
    recon.cli("import", "pm2", crm.config("backend"), "--only", "backend-prod")
    recon.cli("import", "pm2", crm.config(part), "--only", "frontend-prod")
    share(recon, crm, "backend-prod", 3000, "/health")
    share(recon, crm, "frontend-prod", port, "/")
    recon.cli("apply")
    kept = Load(port=crm.port[port], clients=2, pause=0.01)
    single = Load(port=crm.port[port], clients=2, keep_alive=False, pause=0.01)
    assert "in use" not in recon.cli("logs", "frontend-prod")  # Vite looks whether it is
    with opened(crm.url(port)) as page:
        with kept, single:
            for number in range(3):
                roll_out(recon, "frontend-prod", number)
            kept.until_answered()
            single.until_answered()
        page.looks_on()
        page.assert_never_failed()
        crm.edit("frontend/src/App.jsx", "<h1>Customers</h1>", "<h1>Clients</h1>")
        crm.build("frontend")
        page.reload()
        page.shows("h1", "Clients")
        page.picture(tmp_path / "clients.png")
    assert kept.failures == single.failures == []


def test_a_build_that_fails_changes_nothing_on_the_page(up: Recon, crm: Crm) -> None:
    build = "  build: {command: npm run build, inputs: [src, package.json]}\n"
    edit(up, "backend-prod", "  cwd: ", f"{build}  cwd: ")
    up.cli("apply")
    with opened(crm.url(8080)) as page:
        before = up.pids("backend-prod")
        controller = "backend/src/state.controller.ts"
        crm.edit(controller, "pid: process.pid", "pid: process.pidd")
        told = up.cli("apply", code=1)
        assert "'pidd' does not exist" in told
        page.looks_on()
        assert up.pids("backend-prod") == before
        crm.edit(controller, "process.pidd", "process.pid")
        crm.version("1.2.0")
        page.shows("#version", "1.2.0")
        page.looks_on()
        page.assert_never_failed()
