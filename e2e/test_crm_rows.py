"""Habits of PM2's users on the imported system: one app of many, watch, leaks, what is missing."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from e2e.crm.migration import edit, import_production, roll_out, share
from e2e.crm.page import opened
from e2e.crm.project import Crm
from e2e.harness import Recon, read
from tests.load import Load
from tests.waiting import until

MI = 2**20


def says(file: Path, words: str) -> bool:
    return words in read(file)


def test_files_that_declare_an_app_twice_are_told_and_only_takes_one(
    recon: Recon, crm: Crm
) -> None:
    files = [crm.config(), crm.config("backend"), crm.config("frontend")]
    told = recon.cli("import", "pm2", *files, code=1)
    assert "backend-prod" in told and "--only" in told
    assert not [*recon.manifests.iterdir()]
    recon.cli("import", "pm2", crm.config(), "--only", "backend-prod")
    recon.cli("apply")
    assert [app["name"] for app in recon.status()["apps"]] == ["backend-prod"]
    assert crm.state()["mode"] == "production"


def test_logs_are_where_pm2_wrote_them(recon: Recon, crm: Crm) -> None:
    import_production(recon, crm)
    recon.cli("apply")
    crm.state(8080)
    assert crm.says(8080, "/api/nothing") == {}
    # The file for all has the page's a folder higher.
    for path, words in (("backend/logs/backend", "listens on"), ("logs/frontend", "vite preview")):
        file = crm.root / f"{path}-prod-out.log"
        until(partial(says, file, words), what=f"{file} has it")
    assert "listens on" in recon.cli("logs", "backend-prod", "--lines", "100")


def test_an_environment_of_pm2_is_a_profile(recon: Recon, crm: Crm) -> None:
    config = "backend/ecosystem.config.js"
    crm.edit(config, "env_production: {", "env_production: {\n        RELEASE: 'chosen',")
    recon.cli("import", "pm2", crm.config("backend"), "--only", "backend-prod")
    recon.cli("apply")
    assert crm.state()["release"] == ""
    recon.cli("down")
    recon.cli("apply", "--profile", "production")
    assert crm.state()["release"] == "chosen"


def test_down_and_up_again_are_quick_also_through_npm(recon: Recon, crm: Crm) -> None:
    """`npm run` keeps a SIGINT, which PM2 sends, from its program: nothing may wait for SIGKILL."""
    import_production(recon, crm)
    recon.cli("apply")
    recon.cli("restart", "--all")
    recon.healthy("frontend-prod")
    recon.cli("suspend", "frontend-prod")
    recon.wait("frontend-prod", health="Suspended")
    ends = stops(recon, "frontend-prod")
    assert len(ends) == 2 and "signal 9" not in "".join(ends)


def stops(recon: Recon, app: str) -> list[str]:
    """The ends that recon wanted, one line each."""
    return [line for line in recon.cli("events", app).splitlines() if "Stopped" in line]


def test_no_request_to_a_page_run_by_npm_is_lost_while_it_is_replaced(
    recon: Recon, crm: Crm
) -> None:
    """Vite has a handler of SIGTERM, which cuts what is open: it has to wait."""
    import_production(recon, crm)
    share(recon, crm, "backend-prod", 3000, "/health")
    share(recon, crm, "frontend-prod", 8080, "/")
    recon.cli("apply")
    port = crm.port[8080]
    kept = Load(port=port, clients=4, pause=0.002)
    single = Load(port=port, clients=4, pause=0.002, keep_alive=False)
    through = Load(port=port, clients=4, pause=0.002, url="/api/customers")
    with kept, single, through:
        for number in range(4):
            roll_out(recon, "frontend-prod", number)
        until(lambda: len(stops(recon, "frontend-prod")) == 4, what="the last one has ended")
    assert kept.failures == single.failures == through.failures == []
    assert min(kept.ok, single.ok, through.ok) > 300
    assert "signal 9" not in "".join(stops(recon, "frontend-prod"))


@pytest.mark.usefixtures("browser")
def test_development_runs_beside_it_and_another_dist_is_seen_on_the_page(
    recon: Recon, crm: Crm, tmp_path: Path
) -> None:
    recon.cli("import", "pm2", crm.config(), "--only", "backend-dev,frontend-dev")
    edit(recon, "frontend-dev", "memory: 200M", "memory: 600M")  # it is not npm alone any more
    recon.cli("apply")
    with opened(f"http://localhost:{crm.port[5173]}") as page:
        assert page.customers() == ["Ada Lovelace\tLondon", "Grace Hopper\tNew York"]
        page.hears_of_edits()
        crm.edit("frontend/src/App.jsx", "<h1>Customers</h1>", "<h1>Clients</h1>")
        page.shows("h1", "Clients")  # Vite's own doing
        crm.version("2.0.0")
        crm.build("backend")
        page.shows("#version", "2.0.0")
        page.looks_on()
        page.picture(tmp_path / "development.png")
    assert crm.state(3001)["mode"] == "development"
    assert "dist/version.js changed" in recon.cli("events", "backend-dev")


def test_a_leaking_api_is_replaced_and_nobody_notices(recon: Recon, crm: Crm) -> None:
    recon.cli("import", "pm2", crm.config("backend"), "--only", "backend-prod")
    share(recon, crm, "backend-prod", 3000, "/health")
    recon.cli("apply")
    [before] = recon.pids("backend-prod").values()
    kept = Load(port=crm.port[3000], url="/api/customers", clients=3, pause=0.005)
    single = Load(
        port=crm.port[3000], url="/api/customers", clients=3, keep_alive=False, pause=0.005
    )
    with kept, single:
        assert crm.switch("leak/320")["pid"] == before  # MiB, of 300 that it may have
        until(lambda: before not in recon.pids("backend-prod").values(), what="it is replaced")
        recon.healthy("backend-prod", ready=1)
        seen = kept.ok
        until(lambda: kept.ok > seen + 50, what="its successor answers")
        kept.until_answered()
        single.until_answered()
    assert kept.failures == single.failures == []
    app = recon.of("backend-prod")
    assert app["restarts"] == 0 and app["instances"][0]["rssBytes"] < 300 * MI
    events = [json.loads(line) for line in recon.cli("events", "-o", "json").splitlines()]
    assert "MemoryLimitExceeded" in {event["reason"] for event in events}


def test_doctor_names_what_was_not_installed_or_built(recon: Recon, crm: Crm) -> None:
    import_production(recon, crm)
    recon.cli("doctor")
    (crm.root / "frontend/node_modules").rename(crm.root / "elsewhere")
    (crm.root / "backend/dist/main.js").unlink()
    found = json.loads(recon.cli("doctor", "-o", "json", code=1))["findings"]
    problems = {one["message"]: one["remedy"] for one in found if one["level"] == "problem"}
    assert len(problems) == 2
    [[message, remedy]] = [pair for pair in problems.items() if "frontend" in pair[0]]
    assert "not installed: react, react-dom" in message and "npm ci" in remedy
    [[message, remedy]] = [pair for pair in problems.items() if "backend" in pair[0]]
    assert "dist/main.js" in message and "npm run build" in remedy
