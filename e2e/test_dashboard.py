"""`recon dashboard` in a real browser, before a real controller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.dashboard.page import Looking, Served, looking, served
from e2e.harness import Recon
from e2e.programs import SLEEP
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page as Tab

pytestmark = pytest.mark.usefixtures("browser")

HOSTILE = "<script>alert(1)</script>"
COLOURS = (
    r"i=0; while [ $i -lt 40 ]; do i=$((i+1)); "
    rf"printf '\033[31mred\033[0m \033[2J{HOSTILE} line %s\n' $i; done; "
    "echo to-stderr >&2; sleep 1000"
)


@pytest.fixture
def eyes() -> Iterator[Looking]:
    with looking() as found:
        yield found
        assert found.faults == []


@pytest.fixture
def page(recon: Recon, tmp_path: Path) -> Iterator[Served]:
    recon.app("web", SLEEP, instances=2)
    recon.run()
    recon.healthy("web")
    with served(recon, tmp_path) as found:
        yield found


def test_an_edit_is_seen_and_the_page_survives_its_controller(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    tab = eyes.tab(page, use=page.link)
    row = tab.locator("#app-web")
    row.get_by_text("2/2").wait_for()
    recon.app("web", SLEEP, instances=3)
    row.get_by_text("3/3").wait_for()
    recon.app("api", SLEEP)
    tab.locator("#app-api").get_by_text("Healthy").wait_for()
    _hide(tab, True)
    recon.app("web", SLEEP, instances=4)
    recon.healthy("web", ready=4)
    _hide(tab, False)
    row.get_by_text("4/4").wait_for()
    recon.kill_controller()
    tab.get_by_text("No news from the controller").wait_for()
    assert row.is_visible() and tab.get_by_text("What you see was known at").is_visible()
    recon.run()
    tab.locator("#blind").wait_for(state="hidden")
    row.get_by_text("4/4").wait_for()
    assert page.stop() == 0
    tab.get_by_text("This page has lost its server").wait_for()
    page.start(int(page.address.rpartition(":")[2]))
    tab.get_by_text("Your session has ended").wait_for()


def _hide(tab: Tab, hidden: bool) -> None:
    """As when the user looks at another tab, and comes back."""
    tab.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_an_action_is_shown_as_an_edit_and_done_after_that(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    tab = eyes.tab(page, use=page.link)
    tab.goto(page.address + "/apps/web")
    tab.get_by_role("link", name="Scale…").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Instances").fill("3")
    dialog.get_by_role("button", name="Show the edit").click()
    assert '"instances": 3' in dialog.locator(".ins").inner_text()
    assert recon.of("web")["desired"] == 2
    dialog.get_by_role("button", name="Scale", exact=True).click()
    tab.get_by_role("status").get_by_text("web").first.wait_for()
    tab.locator(
        "#in-web-2-" + str(recon.healthy("web", desired=3)["instances"][2]["pid"])
    ).wait_for()
    assert '"instances": 3' in (recon.manifests / "web.yaml").read_text()
    tab.get_by_role("link", name="Suspend…").click()
    dialog.get_by_role("link", name="Cancel").click()
    tab.get_by_role("link", name="Suspend…").click()
    dialog.get_by_role("button", name="Suspend").click()
    tab.locator("#head").get_by_text("Suspended").wait_for()
    assert recon.wait("web", health="Suspended")["ready"] == 0


def test_of_many_apps_one_that_changes_is_the_only_row_that_is_touched(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    """What a browser does with 500 rows costs as much as what has changed."""
    documents = [
        (recon.manifests / "web.yaml").read_text().replace("web", f"w{n}") for n in range(40)
    ]
    recon.write("many.yaml", "\n---\n".join(documents).replace('"instances": 2', '"instances": 1'))
    recon.healthy("w39")
    tab = eyes.tab(page, use=page.link)
    tab.locator("#app-w39").get_by_text("Healthy").wait_for()
    tab.evaluate(
        """() => {
          window.touched = new Set();
          window.before = document.getElementById("app-w7");
          new MutationObserver((records) => records.forEach(({ target }) => {
            const place = target.nodeType === 1 ? target : target.parentElement;
            if (place?.closest(".cpu, .memory, .trend")) return;  // what others use meanwhile
            const row = place?.closest(".app");
            window.touched.add(row ? row.id : "elsewhere: " + target.id);
          })).observe(document.getElementById("apps"),
            { subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )
    text = recon.manifests.joinpath("many.yaml").read_text()
    assert '"w7"' in text
    recon.write(
        "many.yaml", text.replace('"name": "w7"\n  },', '"name": "w7", "labels": {"a": "b"}\n  },')
    )
    tab.locator("#app-w7").get_by_text("a=b").wait_for()
    assert tab.evaluate("window.before === document.getElementById('app-w7')")
    touched = set(tab.evaluate("[...window.touched]"))
    assert touched == {"app-w7"}
    tab.locator("#q").fill("a=b")
    assert tab.locator("#apps > :visible").count() == 1
    tab.keyboard.press("Escape")
    tab.locator("#q").fill("w3")
    assert tab.locator("#apps > :visible").count() == 11
    tab.reload()
    assert tab.locator("#apps > :visible").count() == 11, "the address remembers the search"


def test_logs_stream_with_colours_and_search_and_hostile_lines_stay_text(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    recon.app("loud", ["sh", "-c", COLOURS])
    recon.healthy("loud")
    until(lambda: len(recon.log("loud")) == 40, what="it has written")
    tab = eyes.tab(page, use=page.link)
    tab.goto(page.address + "/apps/loud/logs")
    tab.locator("#log").get_by_text("line 40").wait_for()
    assert tab.locator("#log .a-f1").first.inner_text() == "red"
    assert HOSTILE in tab.locator("#log").inner_text()
    assert tab.locator("#log script").count() == 0
    tab.locator("#q").fill("LINE 7")
    tab.keyboard.press("Enter")
    tab.locator("#log mark").wait_for()
    assert tab.locator("#log .ln").count() == 1
    assert tab.locator("#log mark").inner_text() == "line 7"
    tab.goto(page.address + "/apps/loud/logs?stream=stderr")
    tab.locator("#log").get_by_text("to-stderr").wait_for()
    assert tab.locator("#log .ln").count() == 1


PAGES = (
    *("/", "/?view=cards", "/apps/web", "/apps/bad", "/apps/nightly", "/apps/bad/logs", "/jobs"),
    *("/events", "/host", "/apps/web/act/scale?instances=3", "/nowhere"),
)


def test_axe_finds_nothing_on_any_page_and_a_phone_scrolls_down_only(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    recon.write(
        "more.yaml",
        """
apiVersion: recon/v1
kind: Job
metadata: {name: nightly, labels: {tier: back}}
spec: {command: ["sh", "-c", "exit 3"], schedule: "30 3 * * *", backoffLimit: 0}
---
apiVersion: recon/v1
kind: App
metadata: {name: bad}
spec:
  command: ["sh", "-c", "echo a long line of output that no phone has any room for >&2; exit 1"]
  env: {SECRET: {fromEnv: HOME}, MODE: production}
""",
    )
    recon.write(
        "wrong.yaml", "apiVersion: recon/v1\nkind: App\nmetadata: {name: x}\nspec: {comand: y}\n"
    )
    recon.wait("bad", health="Degraded")
    recon.cli("run-job", "nightly", code=1)
    first = eyes.tab(page, use=page.link)
    first.locator("#problems").get_by_text("wrong.yaml:4").first.wait_for()
    axe, found = Axe(), []
    phone = {"width": 360, "height": 740}
    for scheme, size in (("light", phone), ("dark", {"width": 1280, "height": 800})):
        settings: dict[str, Any] = {"color_scheme": scheme, "viewport": size}
        tab = eyes.tab(page, **settings)
        for path in PAGES:
            tab.goto(page.address + path)
            for one in axe.run(tab).response["violations"]:
                nodes = [node["html"][:200] for node in one["nodes"][:3]]
                found.append((scheme, path, one["id"], nodes))
            across = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
            if across > 0:
                found.append((scheme, path, f"{across} pixels too wide", []))
    assert found == []


def test_without_a_script_every_page_can_be_read_and_used(
    recon: Recon, page: Served, eyes: Looking
) -> None:
    eyes.tab(page, use=page.link)
    tab = eyes.tab(page, java_script_enabled=False)
    assert tab.locator("#app-web").get_by_text("2/2").is_visible()
    tab.locator("#app-web a").first.click()
    assert tab.get_by_role("rowheader", name="web-0").is_visible()
    tab.get_by_role("link", name="Restart…").click()
    before = recon.pids("web")
    tab.get_by_role("button", name="Restart").click()
    assert tab.url == page.address + "/apps/web"
    until(lambda: not {*before.values()} & {*recon.pids("web").values()}, what="all are new")


def test_recon_runs_its_own_page_and_prints_links_to_it(
    recon: Recon, tmp_path: Path, eyes: Looking, unused_port: int
) -> None:
    recon.cli("init", "--dashboard", "--state-dir", str(recon.state))
    file = recon.manifests / "dashboard.yaml"
    file.write_text(file.read_text().replace("7333", str(unused_port)))
    recon.run()
    recon.healthy("dashboard")
    links = [re.search(r"http://\S+", recon.cli("dashboard")) for _ in range(2)]
    assert links[0] and links[1] and links[0][0] != links[1][0]
    found = Served(recon, tmp_path / "links")
    (tmp_path / "links").write_text(links[1][0])
    tab = eyes.tab(found, use=links[0][0])
    tab.locator("#app-dashboard").get_by_text("1/1").wait_for()
    assert "token" not in "".join(recon.log("dashboard"))
    tab.goto(links[0][0])
    assert tab.url == found.address + "/", "a browser with a session needs no link"
