"""Work beside the event loop: bounded, with a deadline."""

from __future__ import annotations

import asyncio
import threading

from reconciler.api.server.aside import Aside


def test_a_call_that_hangs_holds_neither_the_loop_nor_the_others() -> None:
    gate = threading.Event()

    async def both() -> tuple[object, object]:
        aside = Aside(2)
        hanging = asyncio.create_task(aside.run(gate.wait, 0.05))
        done = await aside.run(lambda: "done", 60)
        return await hanging, done

    try:
        assert asyncio.run(both()) == (None, "done")
    finally:
        gate.set()


def test_no_more_hang_than_there_are_threads() -> None:
    gate = threading.Event()

    async def ask() -> object:
        aside = Aside(1)
        assert await aside.run(gate.wait, 0.05) is None
        return await aside.run(lambda: "done", 60)

    try:
        assert asyncio.run(ask()) is None
    finally:
        gate.set()


def test_what_cannot_be_read_is_nothing_to_say() -> None:
    def fail() -> str:
        raise PermissionError

    assert asyncio.run(Aside().run(fail, 60)) is None
