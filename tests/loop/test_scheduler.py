"""What is asked for often is done once, and once more where it was under way."""

from __future__ import annotations

import asyncio

from reconciler.loop.scheduler import Scheduler
from tests.loop.simulated.clock import Clock, JumpingLoop


def test_of_several_timers_of_a_kind_the_first_counts() -> None:
    loop = JumpingLoop(Clock())
    scheduler, called = Scheduler(loop, "failed"), list[str]()
    scheduler.later("scan", 1.0, lambda: called.append("first"))
    scheduler.later("scan", 0.5, lambda: called.append("second"))
    scheduler.later("net", 2.0, lambda: called.append("other"))
    loop.run_until_complete(asyncio.sleep(5))
    assert called == ["first", "other"]
    scheduler.later("scan", 1.0, lambda: called.append("after"))
    scheduler.close()
    loop.run_until_complete(asyncio.sleep(5))
    assert called == ["first", "other"]
    loop.close()


def test_work_that_is_under_way_is_done_once_more_and_a_failure_is_told() -> None:
    loop = JumpingLoop(Clock())
    scheduler, began, told = Scheduler(loop, "a look failed"), list[float](), list[str]()
    loop.set_exception_handler(lambda loop, context: told.append(context["message"]))

    async def work() -> None:
        began.append(loop.time())
        await asyncio.sleep(1)
        raise OSError

    for _ in range(3):
        scheduler.begin("scan", work)
        loop.run_until_complete(asyncio.sleep(0.1))
    loop.run_until_complete(asyncio.sleep(5))
    assert len(began) == 2 and began[1] - began[0] >= 1
    assert told == ["a look failed (scan)"] * 2
    loop.close()
