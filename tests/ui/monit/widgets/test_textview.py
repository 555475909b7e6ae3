"""A view of many lines: what is seen stays where it is, and searches go round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from reconciler.ui.monit.widgets.textview import MOST, TextView


class Viewer(App[None]):
    def compose(self) -> ComposeResult:
        yield TextView()

    def on_mount(self) -> None:
        self.view.focus()

    @property
    def view(self) -> TextView:
        return self.query_one(TextView)

    @property
    def rows(self) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]


def view(
    work: Callable[[TextView, Viewer, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (40, 10),
) -> None:
    async def run() -> None:
        app = Viewer()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await work(app.view, app, pilot)

    asyncio.run(run())


def lines(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last)]


def test_the_end_stays_in_sight_while_it_follows() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.follow(True)
        view.show(lines(0, 50))
        await pilot.pause()
        assert app.rows[-1] == "line 49"
        view.append(lines(50, 60))
        await pilot.pause()
        assert app.rows[-1] == "line 59"
        await pilot.press("up")
        assert app.rows[-1] == "line 58"

    view(work)


def test_older_lines_above_move_nothing_on_the_screen() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show(lines(100, 200))
        await pilot.pause()
        await pilot.press("pagedown")
        seen = app.rows
        view.prepend(["x" * 100, *lines(0, 100)])
        await pilot.pause()
        assert app.rows == seen

    view(work)


def test_no_more_lines_are_kept_than_the_limit() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show([])
        for start in range(0, 3 * MOST, 400):
            view.append(lines(start, start + 400))
        await pilot.pause()
        assert MOST <= len(view.lines) <= MOST + 500

    view(work)


def test_a_long_line_goes_on_in_the_next_row_or_to_the_right() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show(["word " * 20, "second"])
        await pilot.pause()
        width = view.columns
        assert all(len(row) <= width for row in app.rows)
        assert "".join(f"{row} " for row in app.rows[:3]).split() == ["word"] * 20
        view.fold(False)
        await pilot.pause()
        assert app.rows[1] == "second"
        await pilot.press("right")
        await pilot.pause()
        assert app.rows[1] == ""
        assert app.rows[0].startswith("d word")

    view(work)


def test_a_search_goes_on_from_what_is_seen_and_round_at_the_end() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show([*lines(0, 30), "\x1b[31mNEEDLE one\x1b[0m", *lines(30, 60), "needle two"])
        await pilot.pause()
        assert view.search("needle") == 2
        assert view.next(1)
        assert "NEEDLE one" in app.rows
        assert view.next(1)
        assert "needle two" in app.rows
        assert view.next(1)
        assert "NEEDLE one" in app.rows
        assert view.next(-1)
        assert "needle two" in app.rows
        assert view.search("absent") == 0
        assert not view.next(1)

    view(work)


def test_a_smaller_terminal_shows_the_same_line_at_its_top() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show([f"{number} " + "words " * 12 for number in range(50)])
        await pilot.pause()
        view.scroll_to(y=view._starts[20], animate=False, force=True)
        await pilot.pause()
        assert app.rows[0].startswith("20 ")
        await pilot.resize_terminal(25, 6)
        await pilot.pause()
        assert app.rows[0].startswith("20 ")

    view(work)


def test_no_text_of_strangers_breaks_a_row() -> None:
    async def work(view: TextView, app: Viewer, pilot: Pilot[None]) -> None:
        view.show(
            [
                "\x1b]0;title\x07\x1b[2Jescape",
                "[bold]markup[/bold]",
                "漢字" * 40,
                "\u202ebidi\u2066",
                "lone \udcff surrogate",
                "e\u0301" * 60,
                "x" * 65536,
            ]
        )
        await pilot.pause()
        for y in range(view.size.height):
            strip = view.render_line(y)
            assert strip.cell_length == view.size.width
            strip.text.encode()
        assert app.rows[1].startswith("[bold]markup[/bold]")

    view(work, (40, 12))
