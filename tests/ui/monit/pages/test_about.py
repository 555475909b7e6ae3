"""Pages that the controller answers with one document; how they are drawn is `render`'s."""

from __future__ import annotations

import pytest

from tests.ui.monit.drive import Driver, drive


@pytest.mark.parametrize(
    ("key", "title", "texts"),
    [
        ("d", "api: description", ("Sync:      OutOfSync", "DB_PASSWORD=***")),
        ("p", "api: plan", ("env.LOG_LEVEL", "info → debug", "Plan: ")),
        ("P", "plan", ("api", "Plan: ")),
        ("E", "events", ("web-0", "Started", "BackOff")),
        ("e", "api: events", ("api-0", "Started")),
        ("g", "api: dependencies", ("migrate", "Is needed by", "web")),
    ],
)
def test_a_page_says_what_the_controller_answers(
    key: str, title: str, texts: tuple[str, ...]
) -> None:
    async def work(user: Driver) -> None:
        await user.press(key)
        await user.sees(title, *texts)

    drive(work)
