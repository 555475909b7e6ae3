"""Pages without a script, without a controller, and what their streams send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.ui.dashboard.server.views import AppView, OverviewView
from reconciler.ui.dashboard.views.overview import Wanted
from tests.ui.dashboard.standin import Standin, app_row, asked, event_row, page_of
from tests.waiting import until


def test_every_page_can_be_read_without_a_script() -> None:
    jobs = app_row("nightly", kind="Job", runs=[], nextRun=None)
    line = {"at": "2026-11-30T22:00:00Z", "instance": 0, "stream": "stdout", "line": "hello"}
    controller = Standin(
        [app_row(), jobs],
        past=[event_row()],
        lines=[{**line, "position": "1"}],
    )
    with page_of(controller) as page:
        until(lambda: page.live.snapshot.events)
        for path, words in (
            ("/", ("web", "nightly", "Healthy")),
            ("/apps/web", ("web-0", "hello", "started pid 4120")),
            ("/apps/web/logs", ("hello",)),
            ("/apps/nightly", ("Runs",)),
            ("/jobs", ("nightly", "Coming runs")),
            ("/events", ("started pid 4120",)),
            ("/host", ("recon doctor", "processors")),
        ):
            answer = asked(page.ask(path))
            assert answer.status == 200, answer.text
            for word in words:
                assert word in answer.text, (path, word)


def test_an_app_that_does_not_exist_is_not_found_also_by_a_hostile_name() -> None:
    with page_of() as page:
        for path in ("/apps/nope", "/apps/%3Cscript%3E", "/apps/nope/act", "/stream/app/nope"):
            answer = asked(page.ask(path))
            assert answer.status == 404 and "<script>" not in answer.text


def test_without_a_controller_from_the_start_it_says_what_to_do() -> None:
    with page_of(Standin(is_there=False)) as page:
        until(lambda: page.live.snapshot.blind)
        text = asked(page.ask("/")).text
        assert "No news from the controller" in text and "recon apply" in text
        answer = asked(page.ask("/apps/web"))
        assert answer.status == 503 and "recon apply" in answer.text


def test_a_controller_that_leaves_makes_the_page_grey_and_keeps_what_was_known() -> None:
    controller = Standin()
    with page_of(controller) as page:
        assert 'class="live"' in asked(page.ask("/")).text
        controller.is_there = False
        until(lambda: page.live.snapshot.blind)
        text = asked(page.ask("/")).text
        assert 'class="live blind"' in text and "What you see was known at" in text
        assert 'id="app-web"' in text


def test_the_search_works_without_a_script() -> None:
    with page_of(Standin([app_row("web"), app_row("api")])) as page:
        text = asked(page.ask("/?q=we&sort=health&view=cards")).text
    assert 'value="we"' in text and "<option selected>health" in text
    assert text.count('role="row" data-text') == 2
    assert 'data-text=" api is:synced is:healthy is:app " hidden>' in text


def test_the_log_is_asked_for_as_the_address_says() -> None:
    controller = Standin()
    with page_of(controller) as page:
        asked(page.ask("/apps/web/logs?search=a%26b&stream=stderr&instance=1&before=77"))
        asked(page.ask("/apps/web/logs?stream=nonsense&instance=x"))
    first, second = (one for one in controller.asked if one.startswith("logs"))
    for word in ("'search': 'a&b'", "'stream': 'stderr'", "'instance': 1", "'before': '77'"):
        assert word in first
    assert "stream" not in second and "instance" not in second


def test_a_stream_sends_what_changes_from_the_state_that_a_browser_has() -> None:
    controller = Standin([app_row("web"), app_row("api")])

    async def work() -> None:
        following = asyncio.create_task(page.hub.run())
        view = OverviewView(Wanted())
        state, _ = await page.hub.page(view)
        changes = page.hub.changes(view, state)
        controller.apps = [app_row("web", health="Degraded"), app_row("api")]
        page.live.look()
        _, change = await asyncio.wait_for(anext(changes), 60)
        assert {*change["html"]} == {"app-web", "sum"} and "order" not in change
        following.cancel()

    with page_of(controller) as page:
        asyncio.run(work())


def test_browsers_of_one_page_share_its_work() -> None:
    controller = Standin()

    async def work() -> None:
        for _ in range(20):
            await page.hub.page(AppView("web"))

    with page_of(controller) as page:
        asyncio.run(work())
    assert controller.asked.count("describe web") == 1


@pytest.mark.parametrize("path", ["/stream/nope", "/stream/app", "/stream/apps/web"])
def test_there_are_no_other_streams(path: str) -> None:
    with page_of() as page:
        assert asked(page.ask(path)).status == 404


def test_a_change_survives_its_way_as_json() -> None:
    change: dict[str, Any] = {"html": {"a": "<b>\u2028\n"}}
    assert json.loads(json.dumps(change)) == change and "\n" not in json.dumps(change)
