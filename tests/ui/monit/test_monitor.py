"""The monitor under the hands of a user, beside a controller that comes and goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.ui.monit.feed import alone
from reconciler.ui.monit.monitor import Monitor
from tests.cli.documents import app, status
from tests.ui.monit.drive import Driver, drive
from tests.ui.monit.fake import NOW, FakeClient, FakeLive, event, shop

GONE = "no controller is running on /run/recon.sock"


def test_a_filter_shows_as_it_is_typed_and_escape_drops_it() -> None:
    async def work(user: Driver) -> None:
        await user.press("slash", "type:wor")
        await user.sees("worker", gone="migrate")
        await user.press("type:qrs?:+", *["backspace"] * 6)
        await user.sees("worker", gone="migrate")
        await user.press("enter")
        await user.sees("/wor")
        await user.press("escape")
        await user.sees("migrate")
        await user.press("slash", "type:-l tier=back,team!=a", "enter")
        await user.sees("worker", gone="▸ api")
        await user.press("escape", "slash", "type:tier=a=b")
        await user.sees("is not a selector")
        await user.press("escape", "slash", "type:zzz", "enter")
        await user.sees("No app matches zzz; esc drops the filter.")

    drive(work)


def test_keys_that_come_all_at_once_reach_what_they_are_meant_for() -> None:
    async def work(user: Driver) -> None:
        await user.press("slash", *"web", "enter", "l", "slash", *"line 3", "enter")
        await user.sees("web: logs")
        await user.press("escape", "escape", "escape", "escape", "d", "g", "l", "P", "E", "slash")
        await user.press(*"started", "enter")
        await user.sees("lines with 'started'")

    drive(work)


def test_the_first_filter_is_that_of_the_command_line() -> None:
    async def work(user: Driver) -> None:
        await user.sees("worker", gone="▸ web")

    drive(work, filter="-l tier=back")


def test_the_monitor_says_when_it_is_blind_and_when_it_sees_again() -> None:
    async def work(user: Driver) -> None:
        user.live.give(shop(), blind=GONE, blind_since=NOW - 7)
        await user.sees("BLIND since 22:49:53, 7s: no controller is running", "▸ web")
        await user.press("d")
        await user.sees("BLIND since", "api: description")
        await user.press("escape")
        user.live.give(shop())
        await user.sees("▸ web", gone="BLIND")

    drive(work)


def test_without_a_controller_the_host_is_shown_as_recon_status_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alone, "_EVERY", 0.01)

    async def work(user: Driver) -> None:
        await user.sees("asking the controller")
        user.live.give(None, blind=GONE, blind_since=NOW)
        await user.sees("NO CONTROLLER since 22:50:00, `recon apply` starts one.", "by-itself")
        user.live.give(shop())
        await user.sees("▸ web", gone="NO CONTROLLER")

    client = FakeClient()
    client.document = None  # type: ignore[assignment]
    drive(work, client=client, look_alone=lambda: status(app("by-itself")))


def test_without_controller_and_without_a_look_it_says_what_it_waits_for() -> None:
    async def work(user: Driver) -> None:
        user.live.give(None, blind=GONE, blind_since=NOW)
        await user.sees("BLIND since", "no controller is running", "Nothing is known yet.")
        await user.press("d", "l", "plus", "r", "x", "space", "enter", "o", "pagedown")
        await user.press("G")
        await user.sees("No apps are declared.")

    client = FakeClient()
    client.document = None  # type: ignore[assignment]
    drive(work, client=client)


def test_a_directory_without_apps_says_how_to_begin() -> None:
    async def work(user: Driver) -> None:
        user.live.give(status())
        await user.sees("No apps are declared, and none runs.", "recon init")

    drive(work)


def test_events_come_as_they_happen() -> None:
    async def work(user: Driver) -> None:
        await user.press("E")
        await user.sees("started with pid", "BackOff")
        news = {**event(9, "web"), "reason": "Exited", "message": "ended: exit 3"}
        user.live.give(shop(), events=(news,))
        await user.sees("ended: exit 3")
        await user.press("escape", "e")
        await user.sees("api: events", gone="ended: exit 3")

    drive(work)


def test_a_page_leads_to_another_of_the_same_app() -> None:
    async def work(user: Driver) -> None:
        await user.press("down", "down", "down", "d")
        await user.sees("web: description", "Revisions")
        for key, title in (("l", "web: logs"), ("p", "web: plan"), ("e", "web: events")):
            await user.press(key)
            await user.sees(title)
        await user.press("plus")
        await user.sees("Scale web?")
        await user.press("n", "escape")
        await user.sees("OutOfSync")

    drive(work)


def test_the_palette_finds_commands_of_the_app() -> None:
    async def work(user: Driver) -> None:
        await user.press("colon")
        await user.sees("Restart api", "Scale api")
        await user.press("type:suspend")
        await user.sees("Suspend api", gone="Restart api")
        await user.press("enter")
        await user.sees("Suspend api?", "No manifest is edited.")
        await user.press("n", "ctrl+p", "type:events of all")
        await user.sees("Show events of all apps", gone="Scale api")
        await user.press("enter")
        await user.sees("BackOff")

    drive(work)


def test_the_palette_changes_the_colours() -> None:
    async def work(user: Driver) -> None:
        await user.press("colon", "type:recon-light")
        await user.sees("Colours: recon-light")
        await user.press("enter")
        await user.until(lambda: user.app.theme == "recon-light")

    drive(work)


def test_an_app_that_is_removed_while_its_page_is_open() -> None:
    async def work(user: Driver) -> None:
        await user.press("g")
        await user.sees("api: dependencies")
        user.live.give(status(app("web")))
        await user.sees("not declared")
        await user.press("r", "l", "plus")
        await user.press("escape")
        await user.sees("▸ web")

    drive(work)


def test_a_search_on_a_page() -> None:
    async def work(user: Driver) -> None:
        await user.press("question_mark", "slash", "type:PALETTE", "enter")
        await user.sees("1 lines with 'PALETTE'")
        await user.press("n")
        await user.press("escape")
        await user.press("slash", "type:absent", "enter")
        await user.sees("no 'absent'")
        await user.press("escape", "escape")
        await user.sees("OutOfSync")

    drive(work)


def test_a_fault_ends_the_monitor_and_shows_no_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = FakeClient()
    monitor = Monitor(FakeLive(client), client, now=lambda: NOW)

    async def run() -> None:
        async with monitor.run_test() as pilot:
            secret: Any = {"apps": [{"password": "hunter2"}]}
            monitor._live.give(secret)  # type: ignore[attr-defined]
            await pilot.pause(1)

    with pytest.raises(KeyError):
        asyncio.run(run())
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err
