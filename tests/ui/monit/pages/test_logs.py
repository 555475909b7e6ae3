"""The logs of an app: followed, searched, and read back to their beginning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from reconciler.api.errors import ApiError
from tests.ui.monit.drive import Driver, drive
from tests.ui.monit.fake import FakeClient, log
from tests.waiting import until


def long_log() -> FakeClient:
    client = FakeClient()
    client.log = [log(n, f"line {n}") for n in range(2000)]
    client.log[50]["line"] = "a rare Needle"
    return client


def test_new_lines_come_into_sight_until_one_scrolls_up() -> None:
    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("line 39", "following")
        user.client.log.append(log(40, "line 40"))
        await user.sees("line 40")
        await user.press("up", "up")
        await user.sees("paused")
        user.client.log.append(log(41, "a new line"))
        view = user.app.screen.query_one("TextView")
        await user.until(lambda: len(view.lines) == 42)  # type: ignore[attr-defined]
        assert "a new line" not in user.text
        await user.press("f")
        await user.sees("a new line", "following")

    drive(work)


def test_a_search_marks_and_goes_from_line_to_line() -> None:
    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("line 39")
        await user.press("slash", "type:LINE 1")
        await user.sees("11 lines")
        await user.press("enter")
        await user.sees("11 lines with 'LINE 1'")
        await user.press("N", "n", "n")
        await user.press("escape")
        await user.sees("logs", gone="11 lines")
        await user.press("escape")
        await user.sees("OutOfSync")

    drive(work)


def test_what_is_not_shown_is_looked_for_in_the_whole_log() -> None:
    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("line 1999")
        await user.press("slash", "type:needle", "enter")
        await user.sees("1 lines of the whole log", "a rare Needle")
        await user.press("escape")
        await user.sees("line 1999")
        await user.press("slash", "type:absent", "enter")
        await user.sees("no 'absent' in the whole log")

    drive(work, client=long_log())


def test_scrolled_to_the_top_older_lines_are_read() -> None:
    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("line 1999")
        await user.press("home")
        view = user.app.screen.query_one("TextView")
        await user.until(lambda: len(view.lines) == 800)  # type: ignore[attr-defined]
        for _ in range(10):
            await user.press("home")
            await user.pilot.pause(0.05)
        await user.sees("this is the beginning of the log")

    drive(work, client=long_log())


def test_a_stream_may_be_chosen_and_json_taken_apart() -> None:
    asked: list[dict[str, Any]] = []

    class Asked(FakeClient):
        def logs(self, app: str, **query: Any) -> Iterator[dict[str, Any]]:
            asked.append({"app": app, **query})
            return super().logs(app, **query)

    async def work(user: Driver) -> None:
        await user.press("space", "down", "l")
        await user.sees("api-0: logs", '{"level"')
        await user.press("o")
        await user.sees("api-0: logs stderr")
        await user.until(lambda: asked[-1]["stream"] == "stderr")
        assert asked[-1]["instance"] == "api-0"
        await user.press("i")
        await user.sees("WARN", "disk is full", gone='{"level"')

    client = Asked()
    client.log = [log(1, '{"level": "warn", "msg": "disk is full"}')]
    drive(work, client=client)


def test_why_there_are_no_lines_is_said_and_they_come_when_it_is_over() -> None:
    class Away(FakeClient):
        away = True

        def logs(self, app: str, **query: Any) -> Iterator[dict[str, Any]]:
            if self.away:
                raise ApiError("the log cannot be read: disk")
            return super().logs(app, **query)

    client = Away()

    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("the log cannot be read: disk")
        client.away = False
        await user.sees("line 39", gone="the log cannot be read")

    drive(work, client=client)


def test_a_closed_page_reads_no_more() -> None:
    async def work(user: Driver) -> None:
        await user.press("l")
        await user.sees("line 39")
        feed = user.app.screen._feed  # type: ignore[attr-defined]
        await user.press("escape")
        await user.sees("OutOfSync")
        assert feed._closed
        until(lambda: not any("logs-api" in one.name for one in threading.enumerate()))

    drive(work)
