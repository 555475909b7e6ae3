"""A browser of any speed gets from the state it has to the newest; nothing waits for it."""

from __future__ import annotations

import asyncio

from reconciler.ui.dashboard.server.feed.channel import Channel
from reconciler.ui.dashboard.views.pieces import Pieces


def state(number: int) -> Pieces:
    return Pieces({"a": str(number), "b": "same"}, {"list": ("a", "b")})


def test_from_a_state_that_it_has_it_gets_what_differs() -> None:
    async def work() -> None:
        channel = Channel()
        channel.publish(state(1))
        name, _ = channel.newest
        channel.publish(state(2))
        newest, change = await channel.after(name)
        assert change == {"html": {"a": "2"}} and newest == channel.newest[0]

    asyncio.run(work())


def test_a_browser_that_slept_leaves_states_out_and_one_from_long_ago_gets_all() -> None:
    async def work() -> None:
        channel = Channel()
        channel.publish(state(0))
        first, _ = channel.newest
        for number in range(1, 5):
            channel.publish(state(number))
        assert (await channel.after(first))[1] == {"html": {"a": "4"}}
        for number in range(5, 1000):
            channel.publish(state(number))
        assert len(channel._states) == 8
        _, change = await channel.after(first)
        assert {*change["html"]} == {"a", "b"} and change["order"] == {"list": ["a", "b"]}
        assert (await channel.after("of another process"))[1] == change

    asyncio.run(work())


def test_what_is_no_change_wakes_no_browser() -> None:
    async def work() -> None:
        channel = Channel()
        channel.publish(state(1))
        name, _ = channel.newest
        waiting = asyncio.ensure_future(channel.after(name))
        await asyncio.sleep(0)
        channel.publish(state(1))
        await asyncio.sleep(0)
        assert not waiting.done()
        channel.publish(state(2))
        assert (await waiting)[1] == {"html": {"a": "2"}}

    asyncio.run(work())
