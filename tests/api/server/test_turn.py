"""Long work lets the loop go on, and comes to the same."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from reconciler.api.server import turn as module
from reconciler.api.server.answer import answer_in_turns
from reconciler.api.server.turn import Turn, in_turns


def _work(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_the_rest_of_the_loop_has_a_turn_after_each_slice() -> None:
    seen: list[int] = []
    done: list[int] = []

    async def other() -> None:
        while len(done) < 20:
            seen.append(len(done))
            await asyncio.sleep(0)

    async def both() -> None:
        beside = asyncio.create_task(other())
        await asyncio.sleep(0)

        def work(number: int) -> None:
            _work(module.SLICE)
            done.append(number)

        await in_turns(Turn(), range(20), work)
        await beside

    asyncio.run(both())
    assert len(set(seen)) == 20, "it has seen each step"


def test_the_time_it_took_is_without_the_turns_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE", 0.0)

    async def slow() -> float:
        async def others() -> None:
            _work(0.05)

        turn, beside = Turn(), asyncio.create_task(others())
        await turn.pause()
        await beside
        return turn.end()

    assert asyncio.run(slow()) < 0.05


@pytest.mark.parametrize("rows", [[], [{"name": "a"}], [{"name": "\udcff"}, {"name": 'b"]}'}] * 3])
def test_an_answer_in_turns_is_the_document(rows: list[dict[str, str]]) -> None:
    document = {"formatVersion": 1, "apps": rows, "errors": ["x"]}
    answer = asyncio.run(answer_in_turns(Turn(), document, "apps"))
    assert json.loads(bytes(answer.body)) == document
    assert answer.headers["content-type"] == "application/json"
