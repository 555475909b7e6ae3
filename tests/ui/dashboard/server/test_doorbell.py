"""Another link to a page that runs: for its own user only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reconciler.ui.dashboard.server.doorbell import Doorbell, ring


def test_a_running_page_gives_a_new_link_each_time(tmp_path: Path) -> None:
    numbers = iter(range(10))

    async def work() -> list[str]:
        async with Doorbell(tmp_path / "bell", lambda: f"http://x/open?token={next(numbers)}"):
            assert (tmp_path / "bell").stat().st_mode & 0o777 == 0o600
            return [await asyncio.to_thread(ring, tmp_path / "bell") for _ in range(2)]

    assert asyncio.run(work()) == ["http://x/open?token=0", "http://x/open?token=1"]
    assert not (tmp_path / "bell").exists()


def test_where_no_page_runs_there_is_no_link(tmp_path: Path) -> None:
    assert ring(tmp_path / "bell") == ""
    (tmp_path / "bell").write_text("left behind")
    assert ring(tmp_path / "bell") == ""


def test_what_a_killed_page_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "bell").write_text("left behind")

    async def work() -> str:
        async with Doorbell(tmp_path / "bell", lambda: "link"):
            return await asyncio.to_thread(ring, tmp_path / "bell")

    assert asyncio.run(work()) == "link"


def test_a_folder_that_cannot_be_written_leaves_the_page_without_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with Doorbell(tmp_path / "no" / "bell", lambda: "link"):
            pass
        async with Doorbell(None, lambda: "link"):
            pass

    asyncio.run(work())
