"""The guarantees of the work queue, on a clock that the tests move."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.loop.queue import WorkQueue


class FakeTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeLoop:
    """Timers that fire when the test says so; futures are the real loop's."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, int, FakeTimer, Callable[..., Any], tuple[Any, ...]]] = []

    def call_later(self, wait: float, call: Callable[..., Any], *args: Any) -> FakeTimer:
        timer = FakeTimer()
        heapq.heappush(self.timers, (self.now + wait, len(self.timers), timer, call, args))
        return timer

    def create_future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self.timers and self.timers[0][0] <= self.now:
            _, _, timer, call, args = heapq.heappop(self.timers)
            if not timer.cancelled:
                call(*args)


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def queue(loop: FakeLoop) -> WorkQueue:
    return WorkQueue(loop, lambda: loop.now)  # type: ignore[arg-type]  # a fake in its place


def drain(queue: WorkQueue) -> list[str]:
    """What is ready now, each given back at once."""

    async def take() -> list[str]:
        found = []
        while not queue.idle():
            name = await queue.get()
            found.append(name)
            queue.done(name)
        return found

    return asyncio.run(take())


def test_added_twice_while_waiting_is_worked_on_once(queue: WorkQueue) -> None:
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert drain(queue) == ["a", "b"]


def test_added_while_worked_on_is_worked_on_once_more_after(queue: WorkQueue) -> None:
    async def scenario() -> None:
        queue.add("a")
        name = await queue.get()
        queue.add("a")
        queue.add("a")
        assert queue.is_dirty("a")
        queue.add("b")
        assert await queue.get() == "b"  # not "a": it is being worked on
        queue.done("b")
        queue.done(name)
        assert await queue.get() == "a"
        queue.done("a")
        assert queue.idle()

    asyncio.run(scenario())


def test_later_is_not_ready_before_its_moment(queue: WorkQueue, loop: FakeLoop) -> None:
    queue.add_at("a", 5.0)
    loop.advance(4.9)
    assert drain(queue) == []
    loop.advance(0.2)
    assert drain(queue) == ["a"]


def test_of_several_moments_the_earliest_counts(queue: WorkQueue, loop: FakeLoop) -> None:
    queue.add_at("a", 9.0)
    queue.add_at("a", 3.0)
    queue.add_at("a", 6.0)
    loop.advance(3.0)
    assert drain(queue) == ["a"]
    loop.advance(10.0)
    assert drain(queue) == []


def test_several_workers_wait_and_each_name_wakes_one(queue: WorkQueue) -> None:
    async def scenario() -> None:
        getters = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.add("a")
        queue.add("b")
        queue.add("c")
        assert sorted(await asyncio.gather(*getters)) == ["a", "b", "c"]

    asyncio.run(scenario())


def test_closed_queue_forgets_what_was_to_come(queue: WorkQueue, loop: FakeLoop) -> None:
    queue.add_at("a", 1.0)
    queue.close()
    loop.advance(2.0)
    assert drain(queue) == []
