"""The table under the hands of a user, and with many rows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.cli.documents import app, instance, status
from tests.ui.monit.drive import Driver, drive
from tests.ui.monit.fake import shop


def key(user: Driver) -> str:
    row = user.app._table.row
    return row.key if row else ""


def test_the_cursor_stays_on_its_app_when_others_come_and_the_order_changes() -> None:
    async def work(user: Driver) -> None:
        await user.press("down", "down", "down")
        assert key(user) == "web"
        document = shop()
        document["apps"].insert(0, app("aaa"))
        user.live.give(document)
        await user.sees("aaa")
        assert key(user) == "web"
        await user.press("o")
        assert key(user) == "web"

    drive(work)


def test_where_an_instance_is_gone_the_cursor_is_on_its_app() -> None:
    async def work(user: Driver) -> None:
        await user.press("space", "down")
        assert key(user) == "api/api-0"
        document = shop()
        document["apps"][0]["instances"] = []
        user.live.give(document)
        await user.sees("api", gone="api-0")
        assert key(user) == "api"

    drive(work)


def test_a_click_selects_and_a_second_opens() -> None:
    async def work(user: Driver) -> None:
        await user.pilot.click("AppList", offset=(20, 3))
        assert key(user) == "web"
        await user.pilot.click("AppList", offset=(0, 3))
        await user.sees("web-0")
        await user.pilot.click("AppList", offset=(20, 3), times=2)
        await user.sees("web: description")

    drive(work)


def test_a_click_on_a_head_sorts_and_another_turns_round() -> None:
    async def work(user: Driver) -> None:
        await user.pilot.click("ListHead", offset=(67, 0))
        await user.sees("MEMORY▾") if "MEMORY▾" in user.text else None
        assert user.app._table._view.order == "memory"
        await user.pilot.click("ListHead", offset=(67, 0))
        assert user.app._table._view.reverse

    drive(work)


@pytest.mark.parametrize("size", [(40, 12), (20, 5), (1, 1), (80, 24), (300, 80)])
def test_any_size_of_the_terminal_is_drawn(size: tuple[int, int]) -> None:
    async def work(user: Driver) -> None:
        await user.press("x")
        await user.pilot.resize_terminal(*size)
        await user.pilot.pause()
        for keys in (["d"], ["escape", "l"], ["escape", "plus"], ["escape", "s"], ["escape"]):
            await user.press(*keys)
            await user.pilot.pause()
        lines = user.app.screen._compositor.render_strips(user.app.size)
        assert all(strip.cell_length <= size[0] for strip in lines)
        await user.pilot.resize_terminal(80, 24)
        await user.sees("api-0")

    drive(work)


def many(number: int) -> dict[str, Any]:
    return status(
        *(
            app(f"app-{n:03}", instances=[instance(f"app-{n:03}-{i}") for i in range(5)])
            for n in range(number)
        )
    )


def test_500_instances_cost_no_more_to_draw_than_20() -> None:
    async def work(user: Driver) -> None:
        async def cost(document: dict[str, Any]) -> float:
            user.live.give(document)
            await user.pilot.pause()
            began = time.process_time()
            for _ in range(20):
                await user.press("pagedown")
            return time.process_time() - began

        await user.press("x")
        few = await cost(many(4))
        user.app._table._view = user.app._table._view._replace(opened=set())
        user.live.give(many(100))
        await user.sees("app-000")
        await user.press("x")
        assert len(user.app._table.list._rows) == 600
        assert await cost(many(100)) < 4 * few + 0.1

    drive(work)


def test_names_and_messages_of_strangers_are_text() -> None:
    async def work(user: Driver) -> None:
        odd = app(
            "web",
            message="[red]alarm[/red]\x1b[2J\nsecond \u202eline",
            labels={"[bold]": "\x1b]0;x\x07"},
            instances=[instance("web-0", status="STATUS=\x1b[31m漢字", exit="[/]")],
        )
        user.live.give(status(odd))
        text = await user.sees("[red]alarm[/red]")
        assert "\x1b" not in text and "\u202e" not in text
        await user.press("space", "down")
        await user.sees("漢字")

    drive(work, size=(160, 24))
